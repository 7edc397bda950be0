import numpy as np
import pytest
from embedding_operator.simulation.clairvoyant import BoundedPool, cheapest_plan, cost_of
from embedding_operator.simulation.clairvoyant_lead import replicas_needed, replicas_with_foresight
from embedding_operator.simulation.clairvoyant_policy import PlayedPlan
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.simulation.views import pool, view


def with_foresight(*needed: int, sight: int) -> list[int]:
    """Return the plan for slots of 10 s; the startup time is half of the foresight."""
    replicas = replicas_with_foresight(
        np.array(needed), slot_seconds=10, startup_seconds=5.0 * sight, beyond_seconds=5.0 * sight
    )
    return [int(count) for count in replicas]


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        pytest.param((1, 3, 1, 3), (1, 3, 3, 3), id="needed again in sight"),
        pytest.param((1, 3, 1, 1, 3), (1, 3, 3, 3, 3), id="at the edge of sight"),
        pytest.param((1, 3, 1, 1, 1, 3), (1, 3, 1, 1, 1, 3), id="out of sight"),
        pytest.param((3, 0, 0, 0, 2, 0), (3, 0, 0, 0, 2, 0), id="nothing is started before it is needed"),
        pytest.param((3, 1, 2, 0, 0), (3, 2, 2, 0, 0), id="as many as are needed again"),
    ],
)
def test_stops_what_it_does_not_see_needed_again(needed: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert with_foresight(*needed, sight=2) == list(expected)


def test_needed_replicas_stay_in_bounds() -> None:
    load = np.array([0.0, 1.0, 1.01, 5.0])
    needed = replicas_needed(load, capacity=1.0, min_replicas=1, max_replicas=3)
    assert needed.tolist() == [1, 1, 2, 3]


@settings(deadline=None)
@given(
    needed=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    start_cost=st.integers(0, 9).map(float),
    sight=st.integers(0, 6),
)
def test_foresight_carries_the_load_and_is_never_cheaper_than_knowing_all(
    needed: list[int], start_cost: float, sight: int
) -> None:
    bounds = [BoundedPool(name="a10", capacity=1, min_replicas=0, max_replicas=5, slot_cost=1, start_cost=start_cost)]
    replicas = np.array(with_foresight(*needed, sight=sight))
    assert np.all(replicas >= needed)
    best = cheapest_plan(np.array(needed, dtype=np.float64), pools=bounds)
    assert cost_of(replicas.reshape(-1, 1), pools=bounds) >= best.cost - 1e-9


def test_foresight_of_everything_that_matters_is_the_cheapest_plan() -> None:
    needed = np.array([2, 1, 1, 2, 1, 1, 1, 1, 2])
    bounds = [BoundedPool(name="a10", capacity=1, min_replicas=0, max_replicas=5, slot_cost=1, start_cost=2.5)]
    # A start costs as much as 2.5 slots: seeing 2 slots from a stop on is just far enough.
    replicas = np.array(with_foresight(*needed.tolist(), sight=2)).reshape(-1, 1)
    assert cost_of(replicas, pools=bounds) == cheapest_plan(needed.astype(np.float64), pools=bounds).cost


def test_a_played_plan_orders_one_lead_early() -> None:
    replicas = np.array([[1, 0], [1, 0], [3, 0], [0, 2], [0, 2]])
    policy = PlayedPlan(
        name="Clairvoyant", pools=["a10", "t4"], replicas=replicas, begin=100, slot_seconds=10, startup_seconds=15
    )
    shown = {
        now: policy.look(view(now, pool("a10", replicas=0), pool("t4", replicas=0)))
        for now in (0, 100, 110, 120, 130, 500)
    }
    assert shown == {
        0: {"a10": 1, "t4": 0},
        100: {"a10": 1, "t4": 0},
        110: {"a10": 3, "t4": 0},
        120: {"a10": 3, "t4": 2},
        130: {"a10": 0, "t4": 2},
        500: {"a10": 0, "t4": 2},
    }
    assert policy.period == 10
