"""The bound compared with brute force on tiny instances, and where it is known in closed form."""

from itertools import pairwise, product

import numpy as np
import pytest
from embedding_operator.simulation.clairvoyant import BoundedPool, Plan, cheapest_plan, cost_of
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray


def bounded(
    name: str = "a10",
    *,
    capacity: float = 1.0,
    low: int = 0,
    high: int = 3,
    slot_cost: float = 1.0,
    start_cost: float = 0.0,
    stop_cost: float = 0.0,
) -> BoundedPool:
    return BoundedPool(
        name=name,
        capacity=capacity,
        min_replicas=low,
        max_replicas=high,
        slot_cost=slot_cost,
        start_cost=start_cost,
        stop_cost=stop_cost,
    )


def plan(*load: float, pools: list[BoundedPool]) -> Plan:
    return cheapest_plan(np.array(load, dtype=np.float64), pools=pools)


def by_brute_force(load: list[float], *, pools: list[BoundedPool]) -> float:
    """Try every sequence of replicas."""
    most = sum(pool.capacity * pool.max_replicas for pool in pools)
    ranges = [range(pool.min_replicas, pool.max_replicas + 1) for pool in pools]
    enough = [
        [
            mix
            for mix in product(*ranges)
            if sum(pool.capacity * n for pool, n in zip(pools, mix, strict=True)) >= min(required, most) - 1e-6
        ]
        for required in load
    ]
    return min(price(sequence, pools=pools) for sequence in product(*enough))


def price(sequence: tuple[tuple[int, ...], ...], *, pools: list[BoundedPool]) -> float:
    running = sum(pool.slot_cost * mix[axis] for mix in sequence for axis, pool in enumerate(pools))
    moved = sum(
        pool.start_cost * max(0, after[axis] - before[axis]) + pool.stop_cost * max(0, before[axis] - after[axis])
        for before, after in pairwise(sequence)
        for axis, pool in enumerate(pools)
    )
    return running + moved


costs = st.integers(0, 6).map(float)
one_pool = st.builds(
    bounded,
    capacity=st.sampled_from([0.5, 1.0, 2.0]),
    low=st.integers(0, 1),
    high=st.integers(1, 3),
    slot_cost=costs,
    start_cost=costs,
    stop_cost=costs,
)


@settings(max_examples=150, deadline=None)
@given(load=st.lists(st.integers(0, 5).map(float), min_size=1, max_size=5), pool=one_pool)
def test_one_pool_is_as_cheap_as_brute_force(load: list[float], pool: BoundedPool) -> None:
    assert plan(*load, pools=[pool]).cost == pytest.approx(by_brute_force(load, pools=[pool]))


@settings(max_examples=100, deadline=None)
@given(
    load=st.lists(st.integers(0, 5).map(float), min_size=1, max_size=3),
    pools=st.tuples(one_pool, one_pool).map(list),
)
def test_two_pools_are_as_cheap_as_brute_force(load: list[float], pools: list[BoundedPool]) -> None:
    assert plan(*load, pools=pools).cost == pytest.approx(by_brute_force(load, pools=pools))


@settings(deadline=None)
@given(
    load=st.lists(st.floats(0, 10), min_size=1, max_size=30),
    pools=st.lists(one_pool, min_size=1, max_size=3),
)
def test_the_plan_carries_the_load_and_costs_what_it_says(load: list[float], pools: list[BoundedPool]) -> None:
    found = plan(*load, pools=pools)
    capacities = np.array([pool.capacity for pool in pools])
    most = sum(pool.capacity * pool.max_replicas for pool in pools)
    assert np.all(found.replicas @ capacities >= np.minimum(load, most) - 1e-6)
    assert np.all(found.replicas >= [pool.min_replicas for pool in pools])
    assert np.all(found.replicas <= [pool.max_replicas for pool in pools])
    assert cost_of(found.replicas, pools=pools) == pytest.approx(found.cost)
    assert found.overloaded_slots == sum(required > most * (1 + 1e-6) for required in load)


@settings(deadline=None)
@given(load=st.lists(st.floats(0, 10), min_size=1, max_size=30), pool=one_pool, factor=st.floats(1, 3))
def test_dearer_moves_and_more_pools_bound_from_both_sides(load: list[float], pool: BoundedPool, factor: float) -> None:
    dearer = bounded(
        capacity=pool.capacity,
        low=pool.min_replicas,
        high=pool.max_replicas,
        slot_cost=pool.slot_cost,
        start_cost=pool.start_cost * factor,
        stop_cost=pool.stop_cost * factor,
    )
    spare = bounded("t4", high=2, slot_cost=0.5, start_cost=1.0)
    alone = plan(*load, pools=[pool])
    assert plan(*load, pools=[dearer]).cost >= alone.cost - 1e-9
    if alone.overloaded_slots == 0:
        assert plan(*load, pools=[pool, spare]).cost <= alone.cost + 1e-9


def test_free_starts_follow_the_load() -> None:
    found = plan(0.2, 2.5, 1.0, 0.0, pools=[bounded()])
    assert found.replicas[:, 0].tolist() == [1, 3, 1, 0]
    assert found.cost == 5.0


def test_priceless_starts_never_start() -> None:
    found = plan(1, 3, 2, 1, pools=[bounded(start_cost=1e6)])
    assert found.replicas[:, 0].tolist() == [3, 3, 2, 1]


@pytest.mark.parametrize(
    ("valley", "expected"),
    [pytest.param(3, 1, id="four slots of rent cost more than a start"), pytest.param(2, 2, id="a short one does not")],
)
def test_a_valley_is_bridged_when_its_rent_is_cheaper_than_a_start(valley: int, expected: int) -> None:
    load = [2.0, *[1.0] * valley, 2.0]
    found = plan(*load, pools=[bounded(start_cost=2.5)])
    assert found.replicas[1:-1, 0].tolist() == [expected] * valley


def test_stops_that_cost_more_than_the_rent_that_is_left_are_not_made() -> None:
    found = plan(3, 1, 1, 1, pools=[bounded(stop_cost=3.5)])
    assert found.replicas[:, 0].tolist() == [3, 3, 3, 3]
    assert plan(3, 1, 1, 1, pools=[bounded(stop_cost=2.5)]).replicas[:, 0].tolist() == [3, 1, 1, 1]


def test_min_replicas_run_without_load() -> None:
    assert plan(0, 0, pools=[bounded(low=2)]).replicas[:, 0].tolist() == [2, 2]


def test_the_small_pool_takes_the_night() -> None:
    a10 = bounded("a10", capacity=10, slot_cost=1.0, start_cost=1.0, high=2)
    t4 = bounded("t4", capacity=4, slot_cost=0.5, start_cost=0.5, high=1)
    found = plan(15, 15, *[3.0] * 6, 15, pools=[a10, t4])
    # By day, 14 are too few for both small ones and one A10; at night, a T4 at half the price is enough.
    assert found.replicas.tolist() == [[2, 0], [2, 0], *[[0, 1]] * 6, [2, 0]]
    assert found.cost == 2 * 2.0 + (6 * 0.5 + 0.5) + (2.0 + 2 * 1.0)


def test_more_load_than_every_replica_carries_is_told() -> None:
    found = plan(2, 9, 3, pools=[bounded(high=3)])
    assert found.overloaded_slots == 1
    assert found.replicas[:, 0].tolist() == [2, 3, 3]


def test_a_load_that_is_a_sum_of_capacities_needs_no_replica_more() -> None:
    assert plan(0.1 + 0.2, pools=[bounded(capacity=0.1)]).replicas.tolist() == [[3]]


def test_nothing_to_plan_is_refused() -> None:
    empty: NDArray[np.float64] = np.array([])
    with pytest.raises(ValueError, match="at least one pool and one slot"):
        cheapest_plan(empty, pools=[bounded()])
    with pytest.raises(ValueError, match="at least one pool and one slot"):
        plan(1.0, pools=[])
