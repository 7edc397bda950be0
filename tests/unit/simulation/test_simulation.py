"""Whole runs on synthetic traces: what is measured, what is repeatable, and what the policies see."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.cluster import SimPoolSpec
from embedding_operator.simulation.facts import read_facts
from embedding_operator.simulation.policy import View
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup, Watch, simulate
from embedding_operator.simulation.trace import Trace

from tests.unit.simulation.synthetic import diurnal, steady

FACTS = read_facts()
HOUR = 3600.0
SERVER = Server(floor=0.01, per_batch=0.01, per_token=1e-3, per_request=0.0, batch_tokens=2048, batch_requests=64)
POOL = SimPoolSpec(
    name="a10", gpu="a10", server=SERVER, tokens_per_second=1000.0, hourly_price=1.0, max_replicas=8, stock=8
)


class Fixed:
    """Always the same replicas; records what it saw."""

    name, period = "fixed", 60.0

    def __init__(self, **replicas: int) -> None:
        self._replicas = replicas
        self.seen: list[View] = []

    def look(self, view: View) -> Mapping[str, int]:
        self.seen.append(view)
        return self._replicas


class Swinging(Fixed):
    """Alternates between two replicas and one."""

    def look(self, view: View) -> Mapping[str, int]:
        super().look(view)
        return {"a10": 1 + len(self.seen) % 2}


def setup(trace: Trace, *, begin: float = 2 * HOUR, end: float = 5 * HOUR, seed: int = 1) -> Setup:
    return Setup(
        trace=trace,
        begin=begin,
        end=end,
        pools=(POOL,),
        start=FACTS.start("D1"),
        warm_start=FACTS.start("D1"),
        nodes=FACTS.nodes,
        seed=seed,
    )


def test_a_fixed_service_costs_its_replicas_for_the_time_that_is_measured() -> None:
    measures = simulate(setup(steady(rate=5.0)), Fixed(a10=3)).measures
    assert measures.days == pytest.approx(3 / 24)
    assert measures.pod_hours["a10"] == pytest.approx(9.0)
    assert measures.node_hours["a10"] == pytest.approx(9.0)
    assert measures.events_per_day == 0.0
    assert measures.requests == measures.answered == pytest.approx(5.0 * 3 * HOUR, rel=0.03)
    assert measures.tokens == 100 * measures.requests


def test_gaps_are_neither_billed_nor_judged() -> None:
    trace = steady(rate=5.0)
    gaps = np.zeros(len(trace.rates), dtype=np.bool_)
    gaps[12:18] = True
    whole, masked = (simulate(setup(each), Fixed(a10=2)).measures for each in (trace, replace(trace, gaps=gaps)))
    assert masked.pod_hours["a10"] == pytest.approx(whole.pod_hours["a10"] - 2.0)
    assert masked.requests == pytest.approx(whole.requests * 2 / 3, rel=0.05)


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, same = (simulate(setup(diurnal(rate=8.0, days=1.0)), Swinging()) for _ in range(2))
    assert repr(one) == repr(same)
    assert repr(one) != repr(simulate(setup(diurnal(rate=8.0, days=1.0), seed=2), Swinging()))


def test_every_change_and_every_start_is_counted() -> None:
    measures = simulate(setup(steady(rate=1.0)), Swinging()).measures
    assert measures.events_per_day == pytest.approx(24 * 60, rel=0.01)
    assert measures.pod_starts_per_day == pytest.approx(24 * 30, rel=0.01)


def test_overload_is_late_and_given_up() -> None:
    measures = simulate(setup(steady(rate=30.0)), Fixed(a10=1)).measures
    assert measures.requests == measures.answered + measures.timed_out + measures.dropped
    assert measures.timed_out / measures.requests == pytest.approx(2 / 3, abs=0.05)
    assert measures.late_share[1] > 0.99
    assert measures.worst_window_share == 1.0
    assert measures.wait_p99 == 60.0


def test_every_request_has_an_end_where_the_trace_has_one() -> None:
    measures = simulate(setup(steady(rate=30.0), begin=22 * HOUR, end=24 * HOUR), Fixed(a10=2)).measures
    assert measures.timed_out > 0
    assert measures.requests == measures.answered + measures.timed_out + measures.dropped


def test_nothing_waits_where_there_is_plenty() -> None:
    measures = simulate(setup(steady(rate=2.0)), Fixed(a10=8)).measures
    assert measures.late_share == (0.0, 0.0, 0.0)
    assert measures.wait_p99 < 0.2
    assert measures.idle_pod_hours > 20.0


def test_what_a_policy_sees_adds_up() -> None:
    policy = Fixed(a10=2)
    simulate(setup(steady(rate=15.0)), policy)
    for view in policy.seen:
        assert view.arrived_requests >= view.answered_requests + view.waiting_requests
        assert view.in_flight >= view.waiting_requests >= view.held_requests
        assert view.in_flight == sum(pod.in_flight for pod in view.pool("a10").pods) + view.held_requests
    moments = [view.now for view in policy.seen]
    assert np.allclose(np.diff(moments), 60.0)
    assert moments[0] == HOUR


def test_a_pool_out_of_stock_has_pods_without_a_node() -> None:
    policy = Fixed(a10=20)
    simulate(replace(setup(steady(rate=1.0)), pools=(replace(POOL, stock=4),)), policy)
    last = policy.seen[-1].pool("a10")
    assert (last.replicas, sum(pod.has_node for pod in last.pods), last.ready) == (20, 4, 4)


def test_moments_are_kept_as_often_as_asked() -> None:
    watch = Watch(begin=3 * HOUR, end=4 * HOUR, step=60.0)
    moments = simulate(setup(steady(rate=3.0)), Fixed(a10=2), watch=watch).moments
    assert [moment.at for moment in moments] == [3 * HOUR + 60.0 * index for index in range(60)]
    assert moments[-1].replicas == {"a10": 2}
    assert moments[-1].arrived_tokens > moments[0].arrived_tokens
