"""Rare cases: no metrics for a long time, engines that stop, one replica that gets all requests."""

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Bounds, Load, Observation, Pool, ScalingPolicy, WorkSample
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.test_decide_properties import BAD_LOADS, observations
from tests.world.builders import NOON
from tests.world.loop import World
from tests.world.observations import A10, at, bounds, load, observe, pool, replicas, settled_memory

DAY = bounds(("a10", 0, 10))
FALLBACK = ScalingPolicy(fallback_replicas=5)
MANY = bounds(("a10", 1, 50))


def blind(*pools: Pool, seconds: int, policy: ScalingPolicy = FALLBACK, allowed: Bounds = MANY) -> Decision:
    """Return the last decision of `seconds` without metrics."""
    memory: ScalingMemory | None = None
    for moment in range(0, seconds + 1, 5):
        now = at(moment)
        decision = decide(observe(*pools, allowed=allowed, policy=policy, memory=memory, now=now))
        memory = decision.memory
    return decision


@pytest.mark.parametrize(
    ("ready", "seconds", "policy", "count"),
    [
        (2, 295, FALLBACK, 2),
        (2, 300, FALLBACK, 5),
        (2, 300, ScalingPolicy(), 2),
        (9, 300, FALLBACK, 9),
        (0, 600, FALLBACK, 1),
    ],
    ids=["not for long enough", "for long", "nothing stated", "never a cut", "nothing serves"],
)
def test_without_metrics_for_long_there_are_as_many_replicas_as_was_said(
    ready: int, seconds: int, policy: ScalingPolicy, count: int
) -> None:
    decision = blind(pool(ready=ready), seconds=seconds, policy=policy)
    assert replicas(decision.targets) == {"a10": count}
    assert (StepReason.FALLBACK in decision.reasons()) is (
        seconds >= 300 and ready > 0 and policy.fallback_replicas is not None
    )


def test_one_value_ends_the_fallback_and_cuts_nothing_at_once() -> None:
    lost = blind(pool(ready=2), seconds=300)
    now = at(305)
    back = decide(observe(pool(ready=2, starting=3), measured=load(now=now), allowed=MANY, memory=lost.memory, now=now))
    assert back.memory.blind_since is None
    assert replicas(back.targets) == {"a10": 5}


@given(observations(measured=BAD_LOADS), st.integers(1, 20), st.integers(0, 900))
def test_a_fallback_is_never_a_cut(observation: Observation, count: int, blind_for: int) -> None:
    memory = (observation.memory or settled_memory(1000.0))._replace(blind_since=at(-blind_for))
    scene = replace(observation, memory=memory)
    stated = replace(scene, policy=replace(scene.policy, fallback_replicas=count))
    assert decide(stated).required >= decide(scene).required


def stopped(served: float | None, *, queue: float = 400.0, now: datetime) -> Load:
    return replace(load(queue=queue, rate=9000.0, reporting=2, now=now), served_tokens_per_second=served)


@pytest.mark.parametrize(
    ("served", "queue", "count"),
    [(0.0, 400.0, 4), (1.0, 400.0, 12), (None, 400.0, 12), (0.0, 0.0, 12)],
    ids=["engines finish nothing", "they work", "not known yet", "nothing waits"],
)
def test_engines_that_stop_are_not_answered_with_ever_more_of_them(
    served: float | None, queue: float, count: int
) -> None:
    memory: ScalingMemory | None = settled_memory(2000.0)
    ready = 2
    for moment in range(0, 300, 5):
        now = at(moment)
        measured = stopped(served, queue=queue, now=now)
        decision = decide(observe(pool(ready=ready), measured=measured, allowed=MANY, memory=memory, now=now))
        memory = decision.memory
        ready = min(12, decision.targets[0].replicas)
    assert ready == count
    assert (StepReason.ENGINE_HANG in decision.reasons()) is (count == 4)


def test_a_stall_cuts_nothing() -> None:
    scene = observe(pool(ready=2, starting=8), measured=stopped(0.0, now=at(0)), memory=settled_memory(10_000.0))
    assert replicas(decide(scene).targets) == {"a10": 10}


def busy(*in_flight: float) -> Pool:
    made = pool(ready=len(in_flight))
    pods = tuple(replace(pod, in_flight=count) for pod, count in zip(made.pods, in_flight, strict=True))
    return replace(made, pods=pods)


@pytest.mark.parametrize(
    ("in_flight", "skewed"),
    [
        ([100.0, 2.0, 2.0, 2.0, 2.0], True),
        ([20.0, 20.0, 20.0, 20.0, 20.0], False),
        ([8.0, 0.0, 0.0, 0.0, 0.0, 0.0], False),
        ([100.0], False),
        ([], False),
    ],
)
def test_a_replica_that_gets_everything_is_named_and_nothing_else(
    in_flight: list[float],
    skewed: bool,  # noqa: FBT001
) -> None:
    scene = observe(busy(*in_flight), measured=load(), memory=settled_memory(A10 * len(in_flight)))
    decision = decide(scene)
    assert (StepReason.LOAD_SKEWED in decision.reasons()) is skewed
    even = decide(replace(scene, pools=(pool(ready=len(in_flight)),)))
    assert replicas(decision.targets) == replicas(even.targets)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(hours=1)])
def test_17_a_jump_of_the_clock_removes_nothing_whatever_was_remembered(jump: timedelta) -> None:
    before = decide(observe(pool(ready=4, stuck=1), measured=load(rate=3000.0))).memory
    memory = before._replace(panic_until=at(60), blind_since=at(-10))
    now = at(0) + jump
    after = decide(observe(pool(ready=4), measured=load(rate=0.0, now=now), memory=memory, now=now))
    assert replicas(after.targets) == {"a10": 4}
    assert after.memory.panic_until is None


def test_the_surge_of_a_rollout_is_no_supply() -> None:
    surge = replace(pool(ready=6), replicas=4)
    decision = decide(observe(surge, measured=load(rate=100.0), allowed=MANY))
    assert decision.required == 4000.0


NUMBERS = st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 0.0, 9.0, 1e300])
WORK = st.builds(
    WorkSample, tokens_per_second=NUMBERS, in_flight=NUMBERS, least_in_flight=NUMBERS, waited=st.booleans()
)


@st.composite
def strange_pods(draw: st.DrawFn) -> Observation:
    """Draw observations of replicas that report impossible values."""
    observation = draw(observations(measured=BAD_LOADS))
    pools = tuple(
        replace(
            made,
            pods=tuple(replace(pod, in_flight=draw(NUMBERS)) for pod in made.pods),
            work=tuple(draw(st.lists(WORK, max_size=8))),
        )
        for made in observation.pools
    )
    return replace(observation, pools=pools)


@given(strange_pods())
def test_whatever_a_replica_says_a_decision_is_made(observation: Observation) -> None:
    decision = decide(observation)
    for _ in range(6):
        decision = decide(replace(observation, memory=decision.memory))
    assert {target.pool for target in decision.targets} == {made.name for made in observation.pools}
    assert all(math.isfinite(target.tokens_per_second) for target in decision.targets)


@pytest.mark.parametrize(("asleep_for", "serves", "required"), [(3599, 0, 8000.0), (3600, 0, 0.0), (3600, 1, 8000.0)])
def test_what_the_evening_needed_is_forgotten_in_a_night_without_metrics(
    asleep_for: int, serves: int, required: float
) -> None:
    night = replace(bounds(asleep=True), since=NOON - timedelta(seconds=asleep_for))
    decision = decide(observe(pool(ready=serves), allowed=night, memory=settled_memory(8000.0)))
    assert decision.required == required
    assert (StepReason.REQUIREMENT_LAPSED in decision.reasons()) == (required == 0.0)


def test_a_morning_without_a_gateway_starts_for_its_own_load() -> None:
    """The evening needed eight replicas; in the morning, 300 tokens/s arrive."""
    opens = NOON + timedelta(hours=8)

    def of(now: datetime) -> Bounds:
        if now < opens:
            return replace(bounds(asleep=True, next_transition=opens), since=NOON, upcoming=DAY.pools)
        return DAY

    world = World(speeds={"a10": 1000.0}, bounds=of, memory=settled_memory(8000.0))
    most = 0
    while world.now < opens + timedelta(hours=1):
        world.step(rate=300.0 if world.now >= opens else 0.0, seconds=30.0)
        most = max(most, world.counts()["a10"])
    assert most == 1
