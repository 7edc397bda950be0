"""What external queues request, and what happens if they report nothing."""

import math
import sys

import pytest
from embedding_operator.api.v1alpha1.scaling import ScalingSpec
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.load.triggers import asked_for, gap
from embedding_operator.domain.observation import Observation, ScalingPolicy, TriggerReading
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.observations import (
    A10,
    at,
    bounds,
    gateway,
    idle_for,
    load,
    observe,
    pool,
    replicas,
    settled_memory,
    trigger,
)

FROM_ZERO = bounds(("a10", 0, 10))


def quiet(*triggers: TriggerReading) -> Observation:
    """Return a service at zero whose gateway has been idle for a long time."""
    return observe(
        pool(),
        allowed=FROM_ZERO,
        measured=load(reporting=0),
        heard=gateway(),
        triggers=triggers,
        memory=idle_for(700.0),
    )


def last_one(*triggers: TriggerReading) -> Observation:
    """Return a service with one replica whose gateway has been idle for a long time."""
    return observe(
        pool(ready=1),
        allowed=FROM_ZERO,
        measured=load(),
        heard=gateway(),
        triggers=triggers,
        memory=idle_for(700.0),
    )


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((), 0),
        ((trigger(0.0),), 0),
        ((trigger(0.5),), 1),
        ((trigger(10.0),), 1),
        ((trigger(10.5),), 2),
        ((trigger(31.0), trigger(900.0, name="mail", threshold=100.0)), 9),
        ((trigger(20.0, activation=20.0),), 0),
        ((trigger(20.5, activation=20.0),), 3),
        ((trigger(None), trigger(31.0, name="mail")), 4),
    ],
)
def test_replicas_are_the_most_that_a_trigger_asks_for(readings: tuple[TriggerReading, ...], expected: int) -> None:
    assert asked_for(readings, now=NOON).replicas == expected


@pytest.mark.parametrize(
    ("reading", "problem"),
    [
        (trigger(None, problem="the query gives no series"), "the query gives no series"),
        (TriggerReading(name="orders", threshold=10.0), "no answer yet"),
        (trigger(math.nan), "nan is not a valid queue length"),
        (trigger(sys.float_info.max), "1.79769e+308 is not a valid queue length"),
        (trigger(math.inf), "inf is not a valid queue length"),
        (trigger(-math.inf), "-inf is not a valid queue length"),
        (trigger(-1.0), "-1 is not a valid queue length"),
        (trigger(500.0, taken_at=at(-46)), "no answer for more than 45 s"),
        (trigger(500.0, taken_at=at(46)), "no answer for more than 45 s"),
    ],
)
def test_what_cannot_be_used_is_missing_and_never_zero(reading: TriggerReading, problem: str) -> None:
    asked = asked_for([reading], now=NOON)
    assert asked.replicas == 0
    assert gap(asked.missing) == f"trigger orders: {problem}"


def test_demand_is_the_larger_of_the_own_load_and_the_triggers() -> None:
    scene = observe(pool(ready=1), measured=load(rate=1500.0), triggers=[trigger(45.0)], memory=settled_memory(A10))
    decision = decide(scene)
    assert replicas(decision.targets) == {"a10": 5}
    said = next(step for step in decision.steps if step.reason is StepReason.TRIGGER_DEMAND)
    assert said.message == "trigger orders is at 45, which requires 5 replicas"
    busy = observe(pool(ready=2), measured=load(rate=2000.0), triggers=[trigger(5.0)], memory=settled_memory(2 * A10))
    assert replicas(decide(busy).targets) == {"a10": 3}


def test_a_trigger_that_is_missing_lets_a_service_grow_but_not_shrink() -> None:
    scene = observe(pool(ready=4), measured=load(), triggers=[trigger(None)], memory=settled_memory(4 * A10))
    decision = decide(scene)
    assert replicas(decision.targets) == {"a10": 4}
    assert StepReason.TRIGGER_MISSING_NO_DOWN in decision.reasons()
    growing = observe(
        pool(ready=2), measured=load(rate=2000.0), triggers=[trigger(None)], memory=settled_memory(2 * A10)
    )
    assert replicas(decide(growing).targets) == {"a10": 3}


def test_triggers_raise_a_service_that_cannot_be_measured() -> None:
    scene = observe(pool(ready=1), triggers=[trigger(35.0)], memory=settled_memory(A10))
    decision = decide(scene)
    assert replicas(decision.targets) == {"a10": 4}
    assert {StepReason.METRICS_MISSING_HOLD, StepReason.TRIGGER_DEMAND} <= decision.reasons()


def test_a_trigger_wakes_a_service_from_zero_above_its_activation_threshold() -> None:
    assert replicas(decide(quiet(trigger(20.0, activation=20.0))).targets) == {"a10": 0}
    woken = decide(quiet(trigger(21.0, activation=20.0)))
    assert replicas(woken.targets) == {"a10": 3}
    said = next(step for step in woken.steps if step.reason is StepReason.WAKE)
    assert said.message == "trigger orders is at 21, which requires 3 replicas, but there is none"


def test_a_missing_trigger_neither_sleeps_nor_wakes_a_service() -> None:
    assert replicas(decide(last_one()).targets) == {"a10": 0}
    assert replicas(decide(last_one(trigger(0.0))).targets) == {"a10": 0}
    assert replicas(decide(last_one(trigger(None))).targets) == {"a10": 1}
    assert replicas(decide(quiet(trigger(None))).targets) == {"a10": 0}


values = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 5.0, 50.0])


@given(st.lists(values, max_size=3), st.integers(0, 6))
def test_whatever_triggers_say_nothing_is_removed_on_what_is_missing(said: list[float | None], ready: int) -> None:
    readings = [trigger(value, name=f"t{number}") for number, value in enumerate(said)]
    scene = observe(
        pool(ready=ready),
        allowed=FROM_ZERO,
        measured=load(reporting=ready),
        heard=gateway(),
        triggers=readings,
        memory=idle_for(700.0, required=ready * A10),
    )
    target = replicas(decide(scene).targets)["a10"]
    if asked_for(readings, now=NOON).missing:
        assert target >= ready
    assert 0 <= target <= 10


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_in_a_queue_never_asks_for_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert asked_for([trigger(low)], now=NOON).replicas <= asked_for([trigger(high)], now=NOON).replicas


def test_the_policy_knows_the_fallback() -> None:
    assert ScalingPolicy.of(ScalingSpec()).fallback_replicas is None
    assert ScalingPolicy.of(ScalingSpec.model_validate({"fallback": {"replicas": 3}})).fallback_replicas == 3
