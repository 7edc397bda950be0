"""Knative's autoscaler against tables computed by hand from its rules."""

import pytest
from embedding_operator.simulation.baselines import knative
from embedding_operator.simulation.baselines.knative import Knative

from tests.unit.simulation.views import A10, Service, pool, view


def test_constants_are_those_of_knative() -> None:
    assert knative.TICK_SECONDS == 2
    assert knative.STABLE_WINDOW_SECONDS == 60
    assert knative.STABLE_WINDOW_SECONDS * knative.PANIC_WINDOW_SHARE == 6
    assert knative.PANIC_THRESHOLD == 2
    assert (knative.CONCURRENCY_TARGET, knative.TARGET_UTILIZATION) == (100, 0.7)
    assert (knative.MAX_SCALE_UP_RATE, knative.MAX_SCALE_DOWN_RATE) == (1000, 2)
    assert knative.SCALE_TO_ZERO_GRACE_SECONDS == 30


@pytest.mark.parametrize(("in_flight", "expected"), [(0, 1), (70, 1), (71, 2), (139, 2)])
def test_one_replica_per_70_requests_in_flight(in_flight: int, expected: int) -> None:
    policy = Knative(pool=A10)
    assert policy.look(view(0, pool(replicas=1), in_flight=in_flight)) == {A10: expected}


def test_the_mean_of_60_seconds_counts_when_there_is_no_panic() -> None:
    service = Service(Knative(pool=A10), replicas=1)
    service.run(60, in_flight=70)
    # Ten of thirty samples of 100 and twenty of 70 are 80: two replicas. After the first the mean is 71.
    assert service.run(20, in_flight=100) == [2] * 10


def test_falls_by_half_at_each_tick() -> None:
    policy = Knative(pool=A10, concurrency=10)
    steps = []
    replicas = 1
    for tick in range(33):
        replicas = policy.look(view(2.0 * tick, pool(replicas=9), in_flight=60 if tick == 0 else 0))[A10]
        steps.append(replicas)
    # Panic from the start, as nine are required; it ends after 60 s, then one tick can go from nine to four at most.
    assert steps[0] == 9
    assert steps[30] == 9
    assert steps[31] == 4


def test_panic_when_six_seconds_want_twice_the_ready_pods_and_nothing_falls_for_60_seconds() -> None:
    service = Service(Knative(pool=A10, concurrency=10), replicas=1)
    service.run(60, in_flight=7)
    burst = service.run(4, in_flight=42)
    # Of three samples of 6 s: (7 + 7 + 42) / 3 = 18.7 → 3 replicas are over twice the one; then 30.3 → 5.
    assert burst == [3, 5]
    calm = service.run(90, in_flight=7)
    # 18.7 → 3 is not twice five: the last tick over the threshold was that at 60 s, and panic ends after 120 s.
    assert calm[: int((122 - 64) / 2)] == [5] * 29
    assert calm[-1] == 1


def test_starting_pods_are_not_ready() -> None:
    policy = Knative(pool=A10, concurrency=10)
    policy.look(view(0, pool(replicas=1), in_flight=14))
    assert policy.look(view(2, pool(replicas=2, ready=1), in_flight=28))[A10] == 3


def test_begins_in_panic_with_what_serves() -> None:
    service = Service(Knative(pool=A10), replicas=6)
    assert service.run(62, in_flight=0) == [6] * 31
    assert service.run(2, in_flight=0) == [3]


def test_last_replica_goes_after_a_stable_window_and_the_grace() -> None:
    service = Service(Knative(pool=A10), replicas=1, low=0)
    service.run(2, in_flight=1)
    quiet = service.run(120, in_flight=0)
    # The only sample is gone at 60 s, and the grace is over at 90 s.
    assert 2 + 2 * quiet.index(0) == 90


def test_first_request_brings_one_back_at_once() -> None:
    service = Service(Knative(pool=A10), replicas=0, low=0)
    assert service.run(4, in_flight=0) == [0, 0]
    assert service.run(2, in_flight=1) == [1]
