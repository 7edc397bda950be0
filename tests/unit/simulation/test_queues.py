"""The compiled queues compared with queueing theory, and their invariants."""

import math

import numpy as np
import pytest
from embedding_operator.simulation import kernel
from embedding_operator.simulation.queues import Counted, Queues
from embedding_operator.simulation.servers import Server
from hypothesis import given, settings
from hypothesis import strategies as st

DAY = 86_400.0
ALL = Counted(flags=np.ones(400, dtype=np.bool_), step=600.0)


def one_by_one(seconds: float) -> Server:
    """Return a server that takes one request at a time, each for the same duration."""
    return Server(floor=seconds, per_batch=0.0, per_token=0.0, per_request=0.0, batch_tokens=1 << 40, batch_requests=1)


def queues(*servers: Server, door: int = 64, patience: float = 1e9, counted: Counted = ALL) -> Queues:
    service = Queues(counted=counted, door=door, patience=patience)
    for server in servers:
        service.add(server, now=0.0)
    return service


def poisson(rate: float, *, until: float, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, size=int(rate * until * 1.2) + 100))
    return times[times < until]


def mean_wait(service: Queues) -> float:
    """Return the mean of the waits from their bins, which are 2 % wide."""
    edges = kernel.SHORTEST_WAIT * np.exp((np.arange(kernel.BINS) - 0.5) / kernel.BINS_PER_E)
    edges[0] = 0.0
    counts = service.station.waits
    return float((edges * counts).sum() / counts.sum())


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_one_server_waits_as_pollaczek_and_khinchine_say(load: float) -> None:
    service = queues(one_by_one(0.1))
    times = poisson(load / 0.1, until=DAY)
    service.advance(times, np.ones(len(times), dtype=np.int64), first=0, until=2 * DAY)
    assert mean_wait(service) == pytest.approx(load * 0.1 / (2 * (1 - load)), rel=0.05)


def test_a_queue_in_front_of_several_servers_waits_less_than_one_each() -> None:
    times = poisson(30.0, until=DAY / 4)
    ones = np.ones(len(times), dtype=np.int64)
    shared = queues(*[one_by_one(0.1)] * 4, door=1)
    shared.advance(times, ones, first=0, until=DAY)
    # M/D/c is close to half of M/M/c (Erlang C: 0.51 of requests wait 0.1 s on average).
    assert mean_wait(shared) == pytest.approx(0.0509 / 2, rel=0.12)


def test_a_batch_server_serves_its_capacity() -> None:
    server = Server(floor=0.0, per_batch=0.02, per_token=1e-4, per_request=0.0, batch_tokens=2048, batch_requests=1000)
    service = queues(server)
    count = 64 * 100
    service.advance(np.zeros(count), np.full(count, 64, dtype=np.int64), first=0, until=10_000.0)
    served = count * 64 / service.busy_seconds(0)
    assert served == pytest.approx(server.capacity(tokens_per_request=64, outstanding=64), rel=0.02)


def test_the_cap_on_requests_binds_where_they_are_short() -> None:
    server = Server(floor=0.0, per_batch=0.0, per_token=1e-6, per_request=0.01, batch_tokens=2048, batch_requests=64)
    service = queues(server)
    service.advance(np.zeros(500), np.ones(500, dtype=np.int64), first=0, until=1000.0)
    assert service.busy_seconds(0) == pytest.approx(5.0, rel=0.01)


def test_a_request_that_is_longer_than_a_batch_is_computed_alone() -> None:
    server = Server(floor=0.0, per_batch=0.0, per_token=1e-3, per_request=0.0, batch_tokens=100, batch_requests=64)
    service = queues(server)
    service.advance(np.zeros(2), np.array([500, 10]), first=0, until=10.0)
    assert service.station.totals[kernel.ANSWERED] == 2
    assert service.busy_seconds(0) == pytest.approx(0.51)


def test_requests_are_held_while_there_is_no_replica_and_go_to_the_first() -> None:
    service = queues()
    service.advance(np.array([1.0, 2.0]), np.array([10, 20]), first=0, until=5.0)
    assert service.station.cursor[kernel.GATEWAY_COUNT] == 2
    assert service.station.cursor[kernel.GATEWAY_TOKENS] == 30
    row = service.add(one_by_one(0.1), now=5.0)
    assert service.occupancy()[row].in_flight == 2
    service.advance(np.zeros(0), np.zeros(0, dtype=np.int64), first=0, until=6.0)
    assert service.station.totals[kernel.ANSWERED] == 2


def test_a_draining_replica_ends_what_it_has_and_gets_nothing_new() -> None:
    service = queues(one_by_one(1.0), door=4)
    service.advance(np.zeros(3), np.ones(3, dtype=np.int64), first=0, until=0.5)
    service.drain(0, now=0.5)
    assert service.gone(0) is None
    service.advance(np.array([0.6]), np.array([1]), first=0, until=10.0)
    assert service.gone(0) == pytest.approx(3.0)
    assert service.station.totals[kernel.ANSWERED] == 3
    assert service.station.cursor[kernel.GATEWAY_COUNT] == 1


def test_an_idle_replica_is_gone_at_once() -> None:
    service = queues(one_by_one(1.0))
    service.drain(0, now=7.0)
    assert service.gone(0) == 7.0
    assert service.occupancy() == {}


def test_requests_that_waited_for_too_long_are_counted_and_not_computed() -> None:
    service = queues(one_by_one(1.0), door=1, patience=2.5)
    service.advance(np.zeros(5), np.ones(5, dtype=np.int64), first=0, until=100.0)
    totals = service.station.totals
    assert (totals[kernel.ANSWERED], totals[kernel.TIMED_OUT]) == (3, 2)
    assert service.busy_seconds(0) == pytest.approx(3.0)


def test_new_requests_go_where_fewest_are() -> None:
    service = queues(one_by_one(1.0), one_by_one(1.0), one_by_one(1.0))
    service.advance(np.zeros(6), np.ones(6, dtype=np.int64), first=0, until=0.5)
    assert [each.in_flight for each in service.occupancy().values()] == [2, 2, 2]


def test_what_arrives_in_a_gap_is_served_and_not_measured() -> None:
    flags = np.array([True, False, True])
    service = queues(one_by_one(0.1), counted=Counted(flags=flags, step=10.0))
    service.advance(np.array([5.0, 15.0, 25.0]), np.ones(3, dtype=np.int64), first=0, until=29.0)
    assert service.station.totals[kernel.ANSWERED] == 3
    assert service.station.measured[kernel.M_REQUESTS] == 2
    assert service.station.waits.sum() == 2


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(1, 3000)), max_size=120),
    st.lists(st.tuples(st.sampled_from(["add", "drain"]), st.floats(0.0, 120.0)), max_size=12),
    st.integers(1, 8),
    st.floats(0.5, 60.0),
)
def test_no_request_is_lost_or_made_up(
    requests: list[tuple[float, int]], changes: list[tuple[str, float]], door: int, patience: float
) -> None:
    server = Server(floor=0.01, per_batch=0.1, per_token=1e-3, per_request=0.0, batch_tokens=2048, batch_requests=4)
    service = queues(door=door, patience=patience)
    ordered = sorted(requests)
    times = np.array([time for time, _ in ordered])
    tokens = np.array([length for _, length in ordered], dtype=np.int64)
    first, serving = 0, []
    for action, moment in sorted(changes, key=lambda change: change[1]):
        first = service.advance(times, tokens, first=first, until=moment)
        if action == "add":
            serving.append(service.add(server, now=moment))
        elif serving:
            service.drain(serving.pop(), now=moment)
        _conserved(service, arrived=first)
    service.advance(times, tokens, first=first, until=1e5)
    _conserved(service, arrived=len(times))
    totals = service.station.totals
    assert sum(totals[[kernel.ANSWERED, kernel.TIMED_OUT, kernel.DROPPED]]) == len(times)
    measured = service.station.measured
    assert measured[kernel.M_REQUESTS] == measured[kernel.M_ANSWERED] + measured[kernel.M_TIMED_OUT] == len(times)
    assert service.station.waits.sum() == len(times)


def _conserved(service: Queues, *, arrived: int) -> None:
    station, totals = service.station, service.station.totals
    at_replicas = station.replicas[:, [kernel.RUNNING, kernel.WAITING]].sum()
    held = station.cursor[kernel.GATEWAY_COUNT]
    ended = sum(totals[[kernel.ANSWERED, kernel.TIMED_OUT, kernel.DROPPED]])
    assert totals[kernel.ARRIVED] == arrived == ended + at_replicas + held
    assert station.cursor[kernel.GATEWAY_TOKENS] >= 0
    assert math.isfinite(station.clocks[:, kernel.BUSY_SECONDS].sum())
