"""A table of single decisions: the observation, the decision, and the step with the reason."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.memory import LearnedPool, RateLimitStep, RequirementBucket, ScalingMemory
from embedding_operator.domain.observation import Observation, Parity, ScalingPolicy

from tests.world.builders import NOON
from tests.world.observations import A10, T4, at, bounds, load, observe, pool, replicas, settled_memory

NIGHT = bounds(("t4", 1, 4))
QUICK = LearnedPool(pool="a10", seed=A10, cold_starts=(60,))

TABLE: list[tuple[str, Observation, dict[str, int], StepReason]] = [
    (
        "a new service starts at its minimum",
        observe(pool(), allowed=bounds(("a10", 2, 4))),
        {"a10": 2},
        StepReason.AT_MINIMUM,
    ),
    (
        "with minimum zero and no gateway to hold requests, one stays",
        observe(pool(), allowed=bounds(("a10", 0, 4))),
        {"a10": 1},
        StepReason.KEEP_ONE,
    ),
    (
        "the arrival rate asks for rate / utilisation / speed",
        observe(pool(ready=2), measured=load(rate=2000.0), memory=settled_memory(2000.0)),
        {"a10": 3},
        StepReason.RATE_DEMAND,
    ),
    (
        "the queue asks for waiting requests / target",
        observe(pool(ready=1), measured=load(queue=33, tokens=0), memory=settled_memory(1000.0)),
        {"a10": 5},
        StepReason.QUEUE_DEMAND,
    ),
    (
        "a backlog asks for what drains it in a third of a start",
        observe(pool(ready=1), measured=load(queue=1, tokens=200_250.0, rate=500.0), memory=settled_memory(1000.0)),
        {"a10": 3},
        StepReason.QUEUE_DEMAND,
    ),
    (
        "a backlog asks for what drains it in the time that was stated, if starts are short",
        observe(
            pool(ready=1),
            measured=load(queue=1, tokens=60_250.0, rate=500.0),
            memory=settled_memory(1000.0)._replace(learned=(QUICK,)),
        ),
        {"a10": 3},
        StepReason.QUEUE_DEMAND,
    ),
    (
        "more arrives than is served: the backlog that will be there when help is ready counts",
        observe(
            pool(ready=2),
            measured=load(rate=2500.0),
            memory=settled_memory(2000.0)._replace(learned=(QUICK,)),
        ),
        {"a10": 4},
        StepReason.QUEUE_DEMAND,
    ),
    (
        "replicas on their way were asked for on account of the queue: it asks for no more",
        observe(pool(ready=1, starting=2), measured=load(queue=900, tokens=0), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.IN_BAND,
    ),
    (
        "growth is limited to twice or four more in a step",
        observe(pool(ready=2), measured=load(rate=9000.0), memory=settled_memory(2000.0)),
        {"a10": 6},
        StepReason.UP_RATE_LIMITED,
    ),
    (
        "the maximum is obeyed",
        observe(
            pool(ready=3), measured=load(rate=9000.0), allowed=bounds(("a10", 1, 4)), memory=settled_memory(3000.0)
        ),
        {"a10": 4},
        StepReason.AT_MAXIMUM,
    ),
    (
        "the second pool takes what the first cannot hold",
        observe(
            pool(ready=2),
            pool("t4", speed=T4),
            measured=load(rate=2000.0),
            allowed=bounds(("a10", 1, 2), ("t4", 0, 8)),
            memory=settled_memory(2000.0),
        ),
        {"a10": 2, "t4": 2},
        StepReason.ALLOCATED,
    ),
    (
        "less load shrinks to the landing line",
        observe(pool(ready=4), measured=load(rate=1000.0), memory=settled_memory(4000.0)),
        {"a10": 2},
        StepReason.DEMAND_DOWN,
    ),
    (
        "half of the ready capacity goes in a minute, not more",
        observe(pool(ready=8), measured=load(rate=100.0), memory=settled_memory(8000.0)),
        {"a10": 4},
        StepReason.DOWN_RATE_LIMITED,
    ),
    (
        "one of one and a half may go: one replica always may",
        observe(
            pool(ready=2),
            measured=load(rate=100.0),
            memory=settled_memory(2000.0),
            policy=ScalingPolicy(down_share_per_minute=0.01),
        ),
        {"a10": 1},
        StepReason.DEMAND_DOWN,
    ),
    (
        "noise around the requirement changes nothing",
        observe(pool(ready=3), measured=load(rate=2200.0), memory=settled_memory(2800.0)),
        {"a10": 3},
        StepReason.IN_BAND,
    ),
    (
        "no metrics hold",
        observe(pool(ready=3), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.METRICS_MISSING_HOLD,
    ),
    (
        "old metrics hold",
        observe(pool(ready=3), measured=load(age=16.0), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.METRICS_STALE_HOLD,
    ),
    (
        "metrics from the future hold",
        observe(pool(ready=3), measured=load(age=-3600.0), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.METRICS_STALE_HOLD,
    ),
    *[
        (
            f"{figure} holds",
            observe(pool(ready=3), measured=load(rate=figure), memory=settled_memory(3000.0)),
            {"a10": 3},
            StepReason.METRICS_INVALID_HOLD,
        )
        for figure in (math.nan, math.inf, -1.0)
    ],
    (
        "partial metrics do not shrink",
        observe(pool(ready=3), measured=load(reporting=2, expected=3), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "partial metrics may grow",
        observe(pool(ready=3), measured=load(queue=40, reporting=2, expected=3), memory=settled_memory(3000.0)),
        {"a10": 5},
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "an unknown arrival rate does not shrink",
        observe(pool(ready=3), measured=load(rate=None), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "a restart without memory does not shrink",
        observe(pool(ready=5), measured=load()),
        {"a10": 5},
        StepReason.RESTART_SEEDED,
    ),
    (
        "a restart with an old memory does not shrink",
        observe(pool(ready=5), measured=load(), memory=settled_memory(1000.0)._replace(at=at(-3600))),
        {"a10": 5},
        StepReason.RESTART_SEEDED,
    ),
    (
        "a clock that went back a day does not shrink",
        observe(pool(ready=5), measured=load(), memory=settled_memory(1000.0)._replace(at=at(86_400))),
        {"a10": 5},
        StepReason.RESTART_SEEDED,
    ),
    (
        "stuck replicas are no supply, but the answer is not more of them",
        observe(pool(ready=1, stuck=2), measured=load(rate=2300.0), memory=settled_memory(3000.0)),
        {"a10": 3},
        StepReason.POOL_BACKOFF,
    ),
    (
        "what cannot start in one pool starts in the next, and one stays as a probe",
        observe(
            pool(ready=1, stuck=3),
            pool("t4", speed=T4),
            measured=load(rate=1290.0),
            allowed=bounds(("a10", 0, 6), ("t4", 0, 8)),
            memory=settled_memory(2000.0),
        ),
        {"a10": 2, "t4": 3},
        StepReason.POOL_BACKOFF,
    ),
    (
        "night: the new pool grows, the old one stays",
        observe(
            pool(ready=1),
            pool("t4", speed=T4),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        {"a10": 1, "t4": 1},
        StepReason.HANDOVER_HOLD,
    ),
    (
        "night: replicas that are Ready for 29 s do not release the old ones",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4, ready_since=at(-29)),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        {"a10": 1, "t4": 1},
        StepReason.HANDOVER_HOLD,
    ),
    (
        "night: replicas that answer with other vectors do not release the old ones",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4, parity=Parity.FAILED),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        {"a10": 1, "t4": 1},
        StepReason.HANDOVER_HOLD,
    ),
    (
        "night: settled replicas release the old ones",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4, ready_since=at(-30)),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        {"a10": 0, "t4": 1},
        StepReason.ALLOCATED,
    ),
    (
        "night: the old pool stays while nothing is known about the load",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        {"a10": 1, "t4": 1},
        StepReason.DOWN_FROZEN,
    ),
    (
        "asleep: the last replica goes",
        observe(pool(ready=1), measured=load(), allowed=bounds(asleep=True), memory=settled_memory(0.0)),
        {"a10": 0},
        StepReason.ASLEEP,
    ),
    (
        "asleep: replicas that never became Ready leave without metrics",
        observe(pool(starting=2), allowed=bounds(asleep=True), memory=settled_memory(2000.0)),
        {"a10": 0},
        StepReason.ASLEEP,
    ),
    (
        "an idle service keeps the old pool until the new one is Ready",
        observe(
            pool(ready=1),
            pool("t4", starting=1),
            measured=load(),
            allowed=bounds(("t4", 1, 4)),
            memory=settled_memory(0.0),
        ),
        {"a10": 1, "t4": 1},
        StepReason.HANDOVER_HOLD,
    ),
    (
        "paused holds",
        observe(
            pool(ready=3),
            measured=load(queue=90),
            memory=settled_memory(3000.0),
            policy=ScalingPolicy(mode=ScalingMode.PAUSED),
        ),
        {"a10": 3},
        StepReason.PAUSED,
    ),
    (
        "paused says so even where it holds nothing back",
        observe(pool(ready=1), measured=load(), policy=ScalingPolicy(mode=ScalingMode.PAUSED)),
        {"a10": 1},
        StepReason.PAUSED,
    ),
    (
        "advisory tells what it would do",
        observe(
            pool(ready=3),
            measured=load(queue=40),
            memory=settled_memory(3000.0),
            policy=ScalingPolicy(mode=ScalingMode.ADVISORY),
        ),
        {"a10": 5},
        StepReason.ADVISORY,
    ),
    (
        "growing waits until it was needed throughout",
        observe(
            pool(ready=1),
            measured=load(queue=40),
            memory=settled_memory(1000.0),
            policy=ScalingPolicy(up_stabilization_seconds=60),
        ),
        {"a10": 1},
        StepReason.UP_STABILIZED,
    ),
    (
        "shrinking waits until the window of the highest requirement is over",
        observe(
            pool(ready=4),
            measured=load(rate=100.0),
            memory=ScalingMemory(
                at=at(-5),
                required=4000.0,
                buckets=(RequirementBucket(at=at(-320), until=at(-290), highest=4000.0, lowest=4000.0, peak=4000.0),),
            ),
        ),
        {"a10": 4},
        StepReason.DOWN_STABILIZED,
    ),
    (
        "the removals of this minute count",
        observe(
            pool(ready=4),
            measured=load(rate=100.0),
            memory=settled_memory(4000.0)._replace(removal=RateLimitStep(at=at(-20), capacity=8000.0, removed=4000.0)),
        ),
        {"a10": 4},
        StepReason.DOWN_RATE_LIMITED,
    ),
]


@pytest.mark.parametrize(
    ("observation", "expected", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_decision(observation: Observation, expected: dict[str, int], reason: StepReason) -> None:
    decision = decide(observation)

    assert replicas(decision.targets) == expected
    assert reason in decision.reasons()


def test_advisory_and_paused_write_nothing() -> None:
    for mode, write in ((ScalingMode.ACTIVE, True), (ScalingMode.ADVISORY, False), (ScalingMode.PAUSED, False)):
        assert decide(observe(pool(ready=1), measured=load(), policy=ScalingPolicy(mode=mode))).write is write


def test_a_window_edge_and_a_settling_replica_wake_the_decision() -> None:
    edge = observe(pool(ready=1), allowed=bounds(("a10", 1, 2), next_transition=at(42)), measured=load())
    settling = observe(pool(ready=1, ready_since=at(-10)), measured=load())
    rest = observe(pool(ready=1), measured=load())

    assert decide(edge).requeue_after == 42
    assert decide(settling).requeue_after == 20
    assert decide(rest).requeue_after == math.inf


def test_the_pods_that_cost_least_are_the_victims() -> None:
    pods = pool(ready=3).pods
    young = replace(pods[0], created_at=NOON - timedelta(minutes=2))
    busy = replace(pods[1], in_flight=9.0)
    idle_and_old = pods[2]
    scene = replace(pool(ready=3), pods=(busy, idle_and_old, young))

    decision = decide(observe(scene, measured=load(rate=900.0), memory=settled_memory(3000.0)))

    assert replicas(decision.targets) == {"a10": 2}
    assert decision.targets[0].victims == (young.name,)


def test_every_step_says_something() -> None:
    for _, observation, _, _ in TABLE:
        for step in decide(observation).steps:
            assert step.message
            assert math.isfinite(step.before)
            assert math.isfinite(step.after)
