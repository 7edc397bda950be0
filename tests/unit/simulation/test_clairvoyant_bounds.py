"""Bounds of whole simulations: the load that they derive from requests, and that the simulation agrees with them."""

from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.baselines.scaled_objects import keda_queue_and_rate
from embedding_operator.simulation.clairvoyant_bounds import Bound, clairvoyant, perfect_forecast, played
from embedding_operator.simulation.clairvoyant_work import SimWork, work_of
from embedding_operator.simulation.cluster import SimPoolSpec
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.policy import SimPolicy
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup, simulate
from embedding_operator.simulation.trace import Lengths, Trace

from tests.unit.simulation.synthetic import diurnal, steady

HOUR = 3600.0
BATCHED = Server(floor=0.0, per_batch=0.02, per_token=1e-4, per_request=0.001, batch_tokens=2000, batch_requests=256)
SLOW = replace(BATCHED, per_batch=0.04, per_token=2e-4)
START = StartFact(name="D1", median=50.0, sigma=0.2, source="test")
NODES = NodesFact(linger_seconds=60.0, minimum_seconds=60.0, source="test")
PRICES = {"a10": 1.0, "t4": 0.4}


def pool(name: str = "a10", *, server: Server = BATCHED, low: int = 1, high: int = 8) -> SimPoolSpec:
    speed = server.capacity(tokens_per_request=100, outstanding=64)
    return SimPoolSpec(
        name=name,
        gpu=name,
        server=server,
        tokens_per_second=speed,
        hourly_price=PRICES[name],
        min_replicas=low,
        max_replicas=high,
        stock=high,
    )


def setup(trace: Trace, *pools: SimPoolSpec, begin: float = 1 * HOUR, end: float = 5 * HOUR) -> Setup:
    return Setup(
        trace=trace,
        begin=begin,
        end=end,
        pools=pools or (pool(),),
        start=START,
        warm_start=START,
        nodes=NODES,
        seed=1,
    )


def busy(tokens: int, *, rate: float = 50.0, server: Server = BATCHED) -> float:
    """Return the mean load of requests of one length."""
    described = setup(
        steady(rate=rate, days=0.125, lengths=Lengths.constant(tokens)), pool(server=server), end=2 * HOUR
    )
    work = work_of(described)
    return float(work.stretches[0].load.mean())


@pytest.mark.parametrize(
    ("tokens", "seconds"),
    [
        pytest.param(100, 100e-4 + 0.02 * 100 / 2000, id="a twentieth of a batch full of tokens"),
        pytest.param(4000, 4000e-4 + 0.02, id="longer than a batch: one of its own"),
        pytest.param(10, 10e-4 + 0.02 / 64, id="no more than 64 in a batch"),
    ],
)
def test_a_request_keeps_a_replica_busy_for_its_share_of_a_batch(tokens: int, seconds: float) -> None:
    rate = 2.0 / seconds
    assert busy(tokens, rate=rate) == pytest.approx(2.0, rel=0.2)
    assert busy(tokens, rate=rate) >= 1.95


def test_tokenising_may_be_what_takes_longest() -> None:
    assert busy(10, rate=400.0, server=replace(BATCHED, per_request=0.005)) == pytest.approx(2.0, rel=0.2)


def test_gaps_and_what_lies_outside_are_no_work() -> None:
    trace = steady(rate=50.0, days=0.25)
    gaps = trace.gaps.copy()
    gaps[9:12] = True
    work = work_of(setup(replace(trace, gaps=gaps), begin=1 * HOUR, end=3 * HOUR))
    assert [(stretch.begin, len(stretch.load)) for stretch in work.stretches] == [(3600.0, 180), (7200.0, 360)]


def test_nothing_that_is_measured_is_refused() -> None:
    trace = steady(rate=1.0, days=0.125)
    with pytest.raises(ValueError, match="nothing between them is measured"):
        work_of(setup(replace(trace, gaps=np.ones_like(trace.gaps))))


def test_a_slower_pool_has_the_capacity_of_its_share() -> None:
    work = work_of(setup(steady(rate=50.0, days=0.125), pool(), pool("t4", server=SLOW), end=2 * HOUR))
    assert work.capacities[0] == 1.0
    assert work.capacities[1] == pytest.approx(0.5)


DAY = setup(diurnal(rate=250.0, days=0.5, shape=0.9), begin=2 * HOUR, end=11 * HOUR)
BOTH = replace(DAY, pools=(pool(low=0), pool("t4", server=SLOW, low=0, high=3)))


@pytest.fixture(scope="module")
def work() -> SimWork:
    return work_of(DAY)


def cost(described: Setup, policy: SimPolicy) -> tuple[float, float]:
    """Return the cost and the share of requests later than a second."""
    measures = simulate(described, policy).measures
    return sum(PRICES[name] * hours for name, hours in measures.node_hours.items()), measures.late_share[1]


def test_the_simulation_agrees_with_the_bound(work: SimWork) -> None:
    bound = clairvoyant(work, setup=DAY, prices=PRICES)
    paid, late = cost(DAY, played(bound, name="Clairvoyant", work=work, setup=DAY))
    # It orders a little early, for the slowest starts, so it costs a little more than the bound and is on time.
    assert bound.cost <= paid <= 1.02 * bound.cost
    assert late <= 0.002


def test_a_punctual_policy_is_dearer_than_the_bound(work: SimWork) -> None:
    policy = keda_queue_and_rate(pool="a10", tokens_per_second=DAY.pools[0].tokens_per_second)
    paid, late = cost(DAY, policy)
    assert late <= 0.005
    assert paid > clairvoyant(work, setup=DAY, prices=PRICES).cost


def test_bounds_are_in_order(work: SimWork) -> None:
    best = clairvoyant(work, setup=DAY, prices=PRICES)
    forecast = perfect_forecast(work, setup=DAY, prices=PRICES)
    both = clairvoyant(work_of(BOTH), setup=BOTH, prices=PRICES)
    assert both.cost <= best.cost <= forecast.cost
    assert both.node_hours["t4"] > 0


def test_cost_is_that_of_its_node_hours(work: SimWork) -> None:
    for bound in (clairvoyant(work, setup=DAY, prices=PRICES), perfect_forecast(work, setup=DAY, prices=PRICES)):
        assert bound.cost == pytest.approx(sum(PRICES[name] * hours for name, hours in bound.node_hours.items()))
        assert bound.overloaded_hours == 0


def test_too_few_replicas_for_the_load_are_told(work: SimWork) -> None:
    small = replace(DAY, pools=(pool(high=2),))
    bounds: list[Bound] = [find(work, setup=small, prices=PRICES) for find in (clairvoyant, perfect_forecast)]
    for bound in bounds:
        assert bound.overloaded_hours > 0
        assert max(replicas.max() for replicas in bound.replicas) == 2


def test_a_played_plan_keeps_its_replicas_across_a_gap() -> None:
    trace = steady(rate=150.0, days=0.25)
    gaps = trace.gaps.copy()
    gaps[9:12] = True
    described = setup(replace(trace, gaps=gaps), begin=1 * HOUR, end=3 * HOUR)
    work = work_of(described)
    bound = clairvoyant(work, setup=described, prices=PRICES)
    policy = played(bound, name="Clairvoyant", work=work, setup=described)
    assert len(policy.replicas) == 720
    assert (policy.replicas[180:360] == bound.replicas[0][-1]).all()
    assert (policy.replicas[360:] == bound.replicas[1]).all()


def test_one_replica_stays_on_some_pool_where_no_request_comes() -> None:
    """The compared services never sleep: they could not reach a bound that does."""
    quiet = setup(steady(rate=1e-9, days=0.25), pool(low=0), pool("t4", server=SLOW, low=0))
    work = work_of(quiet)
    bound = clairvoyant(work, setup=quiet, prices=PRICES)
    assert bound.node_hours["a10"] == 0.0
    assert bound.node_hours["t4"] == pytest.approx(4.0)
    assert perfect_forecast(work, setup=quiet, prices=PRICES).node_hours["a10"] == pytest.approx(4.0)
