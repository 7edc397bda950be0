"""A burst, or requests that wait too long: growth is not limited, the short-window rate counts, no replica leaves."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Bounds, Load, Observation, Pool
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.test_decide_properties import observations, present
from tests.world.builders import NOON
from tests.world.observations import T4, at, bounds, load, observe, pool, replicas, settled_memory


def burst(rate: float | None, *, arrival: float | None = 100.0, now: datetime = NOON) -> Load:
    return replace(load(rate=arrival, now=now), burst_tokens_per_second=rate)


def decided(
    measured: Load | None, *pools: Pool, panic_until: datetime | None = None, allowed: Bounds | None = None
) -> Decision:
    memory = settled_memory(1000.0)._replace(panic_until=panic_until)
    return decide(observe(*(pools or (pool(ready=1),)), measured=measured, memory=memory, allowed=allowed))


@pytest.mark.parametrize(
    ("rate", "pools", "allowed", "panics"),
    [
        (1600.0, [pool(ready=1)], bounds(("a10", 1, 9)), True),
        (1599.0, [pool(ready=1)], bounds(("a10", 1, 9)), False),
        (1600.0, [pool(ready=2)], bounds(("a10", 1, 9)), False),
        (1600.0, [pool(starting=4)], bounds(("a10", 1, 9)), True),
        (700.0, [pool(), pool("t4", speed=T4)], bounds(("a10", 0, 9), ("t4", 0, 9)), True),
        (None, [pool(ready=1)], bounds(("a10", 1, 9)), False),
        (1e9, [pool(ready=1)], bounds(asleep=True), False),
    ],
    ids=["twice", "less than twice", "enough is ready", "starting is not ready", "slowest", "not known", "asleep"],
)
def test_a_burst_needs_twice_what_is_ready(
    rate: float | None,
    pools: list[Pool],
    allowed: Bounds,
    panics: bool,  # noqa: FBT001
) -> None:
    decision = decided(burst(rate), *pools, allowed=allowed)
    assert (decision.memory.panic_until == at(60)) is panics
    assert (StepReason.PANIC in decision.reasons()) is panics


@pytest.mark.parametrize(
    ("queue", "rates", "since", "allowed", "panics"),
    [
        (31_000.0, (1000.0, 0.0), -60, bounds(("a10", 1, 9)), True),
        (30_000.0, (1000.0, 0.0), -60, bounds(("a10", 1, 9)), False),
        (31_000.0, (1000.0, 1500.0), -60, bounds(("a10", 1, 9)), False),
        (31_000.0, (1000.0, 0.0), -29, bounds(("a10", 1, 9)), False),
        (31_000.0, (0.0, 0.0), -31, bounds(("a10", 1, 9)), True),
        (31_000.0, (None, None), -600, bounds(("a10", 1, 9)), False),
        (90.0, (1.0, 1.0), -600, bounds(("a10", 1, 9)), False),
        (31_000.0, (1000.0, 0.0), -60, bounds(asleep=True), False),
        (31_000.0, (1000.0, 0.0), 60, bounds(("a10", 1, 9)), False),
    ],
    ids=[
        "longer",
        "as long as it may",
        "came in the last seconds",
        "the queue is younger",
        "nothing else came",
        "the rate is not known",
        "the next batch",
        "asleep",
        "the clock went back",
    ],
)
def test_requests_wait_for_longer_than_the_service_says(
    queue: float,
    rates: tuple[float | None, float | None],
    since: int,
    allowed: Bounds,
    panics: bool,  # noqa: FBT001
) -> None:
    measured = replace(load(queue=queue / 100, rate=rates[0]), burst_tokens_per_second=rates[1])
    memory = settled_memory(1000.0)._replace(queue_since=at(since))
    decision = decide(observe(pool(ready=1), measured=measured, memory=memory, allowed=allowed))
    assert (decision.memory.panic_until == at(60)) is panics
    assert (StepReason.PANIC in decision.reasons()) is panics
    if panics:
        assert any("requests have waited for 31 s: growth is not limited" in step.message for step in decision.steps)


def test_a_queue_that_does_not_shrink_becomes_a_panic_and_one_that_was_served_is_forgotten() -> None:
    memory: ScalingMemory | None = settled_memory(1000.0)
    since, panicking = [], []
    for tick, queue in enumerate([0.0, *[400.0] * 8, 0.0]):
        now = at(5 * tick)
        measured = load(queue=queue, rate=1000.0, now=now)
        decision = decide(observe(pool(ready=1), measured=measured, memory=memory, now=now))
        memory = decision.memory
        since.append(memory.queue_since)
        panicking.append(memory.panic_until == now + timedelta(seconds=60))
    assert since == [None, *[at(5)] * 8, None]
    assert panicking == [False] * 8 + [True, False]


def test_the_queue_is_remembered_where_nothing_is_measured() -> None:
    memory = settled_memory(1000.0)._replace(queue_since=at(-20))
    assert decide(observe(pool(ready=1), measured=None, memory=memory)).memory.queue_since == at(-20)


def test_in_panic_growth_is_not_limited_and_the_burst_counts() -> None:
    calm = decided(burst(None, arrival=8000.0))
    assert replicas(calm.targets) == {"a10": 5}
    assert replicas(decided(burst(8000.0)).targets) == {"a10": 10}


def test_panic_lasts_for_a_minute_and_the_burst_counts_throughout() -> None:
    memory: ScalingMemory | None = settled_memory(1000.0)
    rates = [9000.0, *[0.0] * 20]
    panicking = []
    for tick, rate in enumerate(rates):
        now = at(5 * tick)
        decision = decide(observe(pool(ready=1), measured=burst(rate, now=now), memory=memory, now=now))
        memory = decision.memory
        panicking.append(StepReason.PANIC in decision.reasons())
    assert panicking == [True] * 12 + [False] * 9


def test_a_panic_that_lasts_longer_than_one_can_is_none() -> None:
    assert decided(burst(0.0), panic_until=at(61)).memory.panic_until is None
    assert decided(burst(0.0), panic_until=at(60)).memory.panic_until == at(60)
    assert decided(burst(0.0), panic_until=NOON).memory.panic_until is None


def test_a_clock_that_goes_back_ends_no_panic() -> None:
    memory = settled_memory(1000.0)._replace(at=at(1), panic_until=at(30))
    decision = decide(observe(pool(ready=2), measured=burst(0.0), memory=memory))
    assert decision.memory.panic_until == at(30)
    assert StepReason.PANIC in decision.reasons()


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0])
def test_a_burst_that_cannot_be_is_none(rate: float) -> None:
    decision = decided(burst(rate))
    assert StepReason.METRICS_INVALID_HOLD in decision.reasons()
    assert replicas(decision.targets) == {"a10": 1}


@given(observations(), st.floats(0, 50_000), st.integers(1, 60))
def test_5_nothing_leaves_in_panic(observation: Observation, rate: float, left: int) -> None:
    measured = observation.load
    assert measured is not None
    memory = observation.memory or settled_memory(1000.0)
    scene = replace(
        observation,
        load=replace(measured, burst_tokens_per_second=rate),
        memory=memory._replace(panic_until=at(left)),
    )
    if scene.bounds.asleep and not any(made.ready for made in scene.pools):
        return  # nothing serves, and nothing should
    targets = replicas(decide(scene).targets)
    for name, have in present(scene).items():
        assert targets[name] >= have
