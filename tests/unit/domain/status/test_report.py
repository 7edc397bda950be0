"""The status after a decision: conditions, counts, and a memory that survives encoding."""

import json
from dataclasses import replace

import pytest
from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.api.v1alpha1.status import CapacitySource, EmbeddingServiceStatus, ModelStatus
from embedding_operator.domain.decide import decide
from embedding_operator.domain.gateway_routing import GatewayReadiness
from embedding_operator.domain.memory import LearnedPool, PoolBackoff
from embedding_operator.domain.observation import Bounds, Observation, Parity, ScalingPolicy, WorkSample
from embedding_operator.domain.status.conditions import Conditions
from embedding_operator.domain.status.memory_codec import remembered, written
from embedding_operator.domain.status.report import StallCause, StatusInput, stalled_status, status_of

from tests.world.builders import NOON
from tests.world.observations import (
    A10,
    T4,
    at,
    bounds,
    gateway,
    idle_for,
    load,
    observe,
    pool,
    settled_memory,
    trigger,
)

AROUND = StatusInput(
    generation=3,
    url="http://demo.search.svc",
    model=ModelStatus(dtype=Dtype.FLOAT16, architecture=Architecture.DECODER),
    capacity_sources={},
    gateway_readiness=GatewayReadiness(
        status=ConditionStatus.TRUE, reason=Reason.ROUTED, message="through the gateway"
    ),
)
CHEAPEST = ScalingPolicy(allocation=Allocation.CHEAPEST)
NIGHT = replace(bounds(("t4", 1, 4)), source="EmbeddingService", window="night", since=NOON, next_transition=at(3600))


def report(observation: Observation, *, given: StatusInput = AROUND) -> dict[str, Condition]:
    status = status_of(observation, decide(observation), given=given, previous=EmbeddingServiceStatus())
    return {condition.type: condition for condition in status.conditions}


SCENES: list[tuple[str, Observation, ConditionType, ConditionStatus, Reason]] = [
    ("serving", observe(pool(ready=1), measured=load()), ConditionType.READY, ConditionStatus.TRUE, Reason.SERVING),
    ("nothing yet", observe(pool()), ConditionType.READY, ConditionStatus.FALSE, Reason.STARTING),
    (
        "fewer than the minimum",
        observe(pool(ready=1, starting=1), measured=load(), allowed=bounds(("a10", 2, 4))),
        ConditionType.READY,
        ConditionStatus.FALSE,
        Reason.DEGRADED,
    ),
    (
        "growing",
        observe(pool(ready=1), measured=load(queue=30)),
        ConditionType.RECONCILING,
        ConditionStatus.TRUE,
        Reason.SCALING,
    ),
    (
        "idle",
        observe(
            pool(), allowed=bounds(("a10", 0, 4)), measured=load(reporting=0), heard=gateway(), memory=idle_for(700.0)
        ),
        ConditionType.READY,
        ConditionStatus.TRUE,
        Reason.ASLEEP,
    ),
    (
        "asleep",
        observe(pool(), allowed=bounds(asleep=True)),
        ConditionType.READY,
        ConditionStatus.TRUE,
        Reason.ASLEEP,
    ),
    (
        "paused",
        observe(
            pool(ready=1), measured=load(), policy=ScalingPolicy(mode=ScalingMode.PAUSED), allowed=bounds(("a10", 2, 3))
        ),
        ConditionType.RECONCILING,
        ConditionStatus.FALSE,
        Reason.PAUSED,
    ),
    (
        "no metrics",
        observe(pool(ready=1)),
        ConditionType.METRICS_AVAILABLE,
        ConditionStatus.FALSE,
        Reason.MISSING,
    ),
    (
        "old metrics",
        observe(pool(ready=1), measured=load(age=20)),
        ConditionType.METRICS_AVAILABLE,
        ConditionStatus.FALSE,
        Reason.STALE,
    ),
    (
        "impossible metrics",
        observe(pool(ready=1), measured=load(rate=-1)),
        ConditionType.METRICS_AVAILABLE,
        ConditionStatus.FALSE,
        Reason.INVALID,
    ),
    (
        "metrics of some",
        observe(pool(ready=2), measured=load(reporting=1, expected=2)),
        ConditionType.METRICS_AVAILABLE,
        ConditionStatus.TRUE,
        Reason.PARTIAL,
    ),
    (
        "nothing to measure",
        observe(pool(starting=1)),
        ConditionType.METRICS_AVAILABLE,
        ConditionStatus.UNKNOWN,
        Reason.NO_REPLICAS,
    ),
    (
        "a window is open",
        observe(pool(), pool("t4", ready=1, speed=T4), measured=load(), allowed=NIGHT),
        ConditionType.SCHEDULE_APPLIED,
        ConditionStatus.TRUE,
        Reason.WINDOW_ACTIVE,
    ),
    (
        "no pool in common",
        observe(pool(ready=1), measured=load(), allowed=replace(bounds(("a10", 1, 2)), problem=Reason.NO_COMMON_POOL)),
        ConditionType.SCHEDULE_APPLIED,
        ConditionStatus.FALSE,
        Reason.NO_COMMON_POOL,
    ),
    (
        "the new pool starts",
        observe(pool(ready=1), pool("t4", starting=1, speed=T4), measured=load(rate=300.0), allowed=NIGHT),
        ConditionType.HANDOVER_IN_PROGRESS,
        ConditionStatus.TRUE,
        Reason.WAITING_FOR_READY,
    ),
    (
        "the new pool settles",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4, ready_since=at(-3)),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        ConditionType.HANDOVER_IN_PROGRESS,
        ConditionStatus.TRUE,
        Reason.SETTLING,
    ),
    (
        "the new pool answers wrong",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4, parity=Parity.FAILED),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        ConditionType.HANDOVER_IN_PROGRESS,
        ConditionStatus.TRUE,
        Reason.PARITY_FAILED,
    ),
    (
        "the old pool leaves",
        observe(
            pool(ready=1),
            pool("t4", ready=1, speed=T4),
            measured=load(rate=300.0),
            allowed=NIGHT,
            memory=settled_memory(400.0),
        ),
        ConditionType.HANDOVER_IN_PROGRESS,
        ConditionStatus.TRUE,
        Reason.DRAINING,
    ),
    (
        "no node",
        observe(pool(ready=1, stuck=1), measured=load()),
        ConditionType.CAPACITY_LIMITED,
        ConditionStatus.TRUE,
        Reason.UNSCHEDULABLE,
    ),
    (
        "more is needed than allowed",
        observe(pool(ready=2), measured=load(rate=9000.0), allowed=bounds(("a10", 1, 2))),
        ConditionType.SCALING_LIMITED,
        ConditionStatus.TRUE,
        Reason.AT_MAXIMUM,
    ),
    (
        "no triggers",
        observe(pool(ready=1), measured=load()),
        ConditionType.TRIGGERS_AVAILABLE,
        ConditionStatus.TRUE,
        Reason.NO_TRIGGERS,
    ),
    (
        "triggers that answer",
        observe(pool(ready=1), measured=load(), triggers=[trigger(3.0)]),
        ConditionType.TRIGGERS_AVAILABLE,
        ConditionStatus.TRUE,
        Reason.REPORTING,
    ),
    (
        "a trigger that does not",
        observe(pool(ready=1), measured=load(), triggers=[trigger(3.0), trigger(None, name="mail")]),
        ConditionType.TRIGGERS_AVAILABLE,
        ConditionStatus.FALSE,
        Reason.MISSING,
    ),
    (
        "pools in order",
        observe(pool(ready=1), measured=load()),
        ConditionType.ALLOCATION_APPLIED,
        ConditionStatus.TRUE,
        Reason.IN_ORDER,
    ),
    (
        "the cheapest mix",
        observe(pool(ready=1, price=1.0), measured=load(), policy=CHEAPEST),
        ConditionType.ALLOCATION_APPLIED,
        ConditionStatus.TRUE,
        Reason.CHEAPEST_MIX,
    ),
    (
        "a pool without a price",
        observe(pool(ready=1), measured=load(), policy=CHEAPEST),
        ConditionType.ALLOCATION_APPLIED,
        ConditionStatus.FALSE,
        Reason.PRICE_MISSING,
    ),
]


@pytest.mark.parametrize(
    ("observation", "kind", "status", "reason"), [row[1:] for row in SCENES], ids=[row[0] for row in SCENES]
)
def test_condition(observation: Observation, kind: ConditionType, status: ConditionStatus, reason: Reason) -> None:
    condition = report(observation)[kind]

    assert (condition.status, condition.reason) == (status, reason)
    assert condition.observed_generation == 3


def test_every_condition_is_always_there() -> None:
    for _, observation, _, _, _ in SCENES:
        assert set(report(observation)) == set(ConditionType)


def test_an_obstacle_and_another_scaler_are_named() -> None:
    given = replace(
        AROUND,
        stall_cause=StallCause(reason=Reason.GPU_POOL_NOT_FOUND, message="spec.pools[0].gpuPool: no GPUPool b200"),
        other_scaler="HorizontalPodAutoscaler search/hpa",
    )

    conditions = report(observe(pool(ready=1), measured=load()), given=given)

    assert conditions["Stalled"].reason == Reason.GPU_POOL_NOT_FOUND
    assert conditions["ConflictingScaler"].status is ConditionStatus.TRUE
    assert "search/hpa" in conditions["ConflictingScaler"].message


@pytest.mark.parametrize("reason", [Reason.GATEWAY_UNAVAILABLE, Reason.KEYS_NOT_ENFORCED])
def test_a_service_that_cannot_be_reached_or_asks_for_no_key_is_not_ready(reason: Reason) -> None:
    serving = observe(pool(ready=1), measured=load())
    down = GatewayReadiness(status=ConditionStatus.FALSE, reason=reason, message="0 of 2 are Ready")
    unreachable = report(serving, given=replace(AROUND, gateway_readiness=down))
    for kind in (ConditionType.READY, ConditionType.GATEWAY_AVAILABLE):
        condition = unreachable[kind]
        assert (condition.status, condition.reason) == (ConditionStatus.FALSE, reason)
        assert condition.message == "0 of 2 are Ready"


def test_a_replica_that_the_gateway_spares_is_named_if_kubernetes_calls_it_ready() -> None:
    heard = replace(gateway(), drained=frozenset({"a10-1", "a10-2", "leaving"}))
    outlier = report(observe(pool(ready=2, starting=1), measured=load(), heard=heard))["EngineOutlier"]
    assert (outlier.status, outlier.reason) == (ConditionStatus.TRUE, Reason.ANSWERS_WITH_ERRORS)
    assert "no requests to a10-1: " in outlier.message
    plain = report(observe(pool(ready=2), measured=load(), heard=gateway()))["EngineOutlier"]
    assert plain.status is ConditionStatus.FALSE


def test_a_service_without_its_gateway_serves_and_says_so() -> None:
    serving = observe(pool(ready=1), measured=load())
    off = GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_DISABLED, message="enabled is false")
    conditions = report(serving, given=replace(AROUND, gateway_readiness=off))
    assert conditions[ConditionType.READY].status is ConditionStatus.TRUE
    assert conditions[ConditionType.GATEWAY_AVAILABLE].reason == Reason.GATEWAY_DISABLED
    assert report(serving)[ConditionType.GATEWAY_AVAILABLE].status is ConditionStatus.TRUE


def test_transition_time_moves_with_the_status_only() -> None:
    first = Conditions([], generation=1, now=NOON)
    first.false(ConditionType.READY, Reason.STARTING, "a")
    second = Conditions(first.listed(), generation=2, now=at(60))
    second.false(ConditionType.READY, Reason.DEGRADED, "b")
    third = Conditions(second.listed(), generation=2, now=at(120))
    third.true(ConditionType.READY, Reason.SERVING)

    assert second.listed()[0].last_transition_time == NOON
    assert second.listed()[0].reason == Reason.DEGRADED
    assert third.listed()[0].last_transition_time == at(120)


def test_a_stalled_service_that_serves_stays_ready_and_keeps_what_it_knew() -> None:
    serving = status_of(
        (scene := observe(pool(ready=1), measured=load())),
        decide(scene),
        given=AROUND,
        previous=EmbeddingServiceStatus(),
    )
    conditions = Conditions(serving.conditions, generation=4, now=at(60))

    status = stalled_status(
        StallCause(reason=Reason.DTYPE_UNSUPPORTED, message="spec.model.dtype: use float16"),
        previous=serving,
        conditions=conditions,
        generation=4,
    )

    by_type = {condition.type: condition for condition in status.conditions}
    assert by_type["Ready"].status is ConditionStatus.TRUE
    assert by_type["Stalled"].reason == Reason.DTYPE_UNSUPPORTED
    assert status.ready_replicas == 1
    assert status.observed_generation == 4


def test_memory_survives_the_status_as_json() -> None:
    for _, observation, _, _, _ in SCENES:
        decision = decide(observation)
        status = status_of(observation, decision, given=AROUND, previous=EmbeddingServiceStatus())
        text = json.dumps(status.model_dump(mode="json", by_alias=True, exclude_none=True))
        read = EmbeddingServiceStatus.model_validate(json.loads(text))

        assert read.decision is not None
        assert read.decision.memory is not None
        assert remembered(read.decision.memory) == decision.memory
        assert remembered(written(decision.memory)) == decision.memory


def test_a_service_without_a_schedule_shows_none() -> None:
    scene = observe(pool(ready=1), measured=load(), allowed=Bounds(pools=bounds(("a10", 1, 2)).pools))

    assert status_of(scene, decide(scene), given=AROUND, previous=EmbeddingServiceStatus()).schedule is None


def test_a_service_that_wakes_is_starting() -> None:
    scene = observe(
        pool(),
        allowed=bounds(("a10", 0, 4)),
        measured=load(reporting=0),
        heard=gateway(waiting=1),
        memory=idle_for(700.0),
    )
    waking = report(scene)[ConditionType.READY]
    assert (waking.status, waking.reason) == (ConditionStatus.FALSE, Reason.STARTING)


def test_the_queue_is_that_of_the_gateway_where_there_is_one() -> None:
    def queue(observation: Observation) -> float | None:
        status = status_of(observation, decide(observation), given=AROUND, previous=EmbeddingServiceStatus())
        assert status.decision is not None
        return status.decision.queue_requests

    engines = observe(pool(ready=1), measured=load(queue=24))
    assert queue(engines) == 24
    assert queue(replace(engines, gateway=gateway(waiting=7.0))) == 7
    assert queue(replace(engines, gateway=gateway(answering=0))) == 24
    assert queue(replace(engines, gateway=gateway(waiting=7.0), load=None)) is None


def test_what_is_missing_of_the_gateway_is_said() -> None:
    scene = observe(pool(ready=1), measured=load(), heard=gateway(answering=1))
    found = report(scene)[ConditionType.METRICS_AVAILABLE]
    assert (found.status, found.reason) == (ConditionStatus.TRUE, Reason.PARTIAL)
    assert found.message.startswith("1 of 2 Ready gateway pods answered")


def test_a_capacity_that_was_learned_is_shown_as_such() -> None:
    busy = WorkSample(tokens_per_second=1500.0, in_flight=9.0, least_in_flight=9.0, waited=True)
    taught = LearnedPool(pool="a10", seed=A10, rates=(1500,) * 9, tokens_per_second=1500.0)
    memory = settled_memory(1000.0)._replace(learned=(taught,))
    scene = observe(replace(pool(ready=1), work=(busy,)), pool("t4", speed=T4), measured=load(), memory=memory)
    status = status_of(scene, decide(scene), given=AROUND, previous=EmbeddingServiceStatus())

    assert [(each.tokens_per_second, each.capacity_source) for each in status.pools] == [
        (1500, CapacitySource.LEARNED),
        (400, CapacitySource.ESTIMATE),
    ]


def test_the_time_of_a_start_is_shown_once_one_was_seen() -> None:
    taught = LearnedPool(pool="a10", seed=A10, cold_starts=(80, 95))
    scene = observe(pool(ready=1), measured=load(), memory=settled_memory(1000.0)._replace(learned=(taught,)))
    for observation, seconds in ((scene, 95), (replace(scene, memory=None), None)):
        status = status_of(observation, decide(observation), given=AROUND, previous=EmbeddingServiceStatus())
        assert [each.start_seconds_p90 for each in status.pools] == [seconds]


def test_the_status_says_what_triggers_said() -> None:
    scene = observe(pool(ready=1), measured=load(), triggers=[trigger(3.0), trigger(None, name="mail")])
    status = status_of(scene, decide(scene), given=AROUND, previous=EmbeddingServiceStatus())
    assert status.decision is not None
    assert [each.model_dump() for each in status.decision.triggers] == [
        {"name": "orders", "value": 3.0, "problem": None},
        {"name": "mail", "value": None, "problem": "no answer in time"},
    ]


def test_replicas_for_the_next_window_are_announced() -> None:
    allowed = replace(bounds(("t4", 1, 4), next_transition=at(60)), upcoming=bounds(("a10", 2, 4)).pools)
    scene = observe(pool(), pool("t4", ready=1, speed=T4), measured=load(), allowed=allowed)
    found = report(scene)[ConditionType.PREWARMING]
    assert (found.status, found.reason) == (ConditionStatus.TRUE, Reason.WINDOW_AHEAD)
    assert (
        found.message
        == "2 replicas of a10 start for the bounds of spec.pools at 12:01 UTC, because a start takes 300 s"
    )
    assert report(observe(pool(ready=1), measured=load()))[ConditionType.PREWARMING].status is ConditionStatus.FALSE


@pytest.mark.parametrize(("age", "reason"), [(1800, Reason.WAITING_FOR_READY), (1801, Reason.HANDOVER_OVERDUE)])
def test_a_handover_that_does_not_end_is_said(age: int, reason: Reason) -> None:
    scene = observe(pool(ready=2), pool("t4", starting=1, speed=T4), measured=load(), allowed=NIGHT)
    begun = Condition(
        type=ConditionType.HANDOVER_IN_PROGRESS,
        status=ConditionStatus.TRUE,
        last_transition_time=at(-age),
        reason=Reason.WAITING_FOR_READY,
    )
    previous = EmbeddingServiceStatus(conditions=[begun])
    status = status_of(scene, decide(scene), given=AROUND, previous=previous)
    found = next(each for each in status.conditions if each.type == ConditionType.HANDOVER_IN_PROGRESS)
    assert found.reason == reason


def test_a_pool_that_does_not_grow_for_now_limits_the_capacity() -> None:
    backoff = PoolBackoff(pool="a10", at=at(-60), until=at(240), times=1)
    memory = settled_memory(1000.0)._replace(backoffs=(backoff,))
    scene = observe(pool(ready=1), measured=load(rate=3000.0), memory=memory)
    found = report(scene)[ConditionType.CAPACITY_LIMITED]
    assert (found.status, found.reason) == (ConditionStatus.TRUE, Reason.POOL_BACKOFF)


def test_the_last_address_is_kept_while_there_is_no_service() -> None:
    observation = observe(pool(ready=1), measured=load())
    previous = EmbeddingServiceStatus(address="10.0.0.7")
    for address, kept in ((None, "10.0.0.7"), ("10.0.0.8", "10.0.0.8")):
        given = replace(AROUND, address=address)
        assert status_of(observation, decide(observation), given=given, previous=previous).address == kept
