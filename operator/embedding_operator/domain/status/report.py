"""Turns a decision into the status that users read."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.conditions import ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.status import CapacitySource, EmbeddingServiceStatus, ModelStatus
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.gateway_routing import GatewayReadiness
from embedding_operator.domain.load.triggers import asked_for, gap
from embedding_operator.domain.observation import Bounds, Observation
from embedding_operator.domain.status.conditions import Conditions
from embedding_operator.domain.status.fields import decision_status, pool_statuses, schedule_status
from embedding_operator.domain.status.handover import report_handover


@dataclass(frozen=True, slots=True, kw_only=True)
class StallCause:
    """What prevents the operator from doing what the spec asks for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInput:
    """What the status reports besides the decision.

    `gateway_readiness` says how requests reach the engines, `stall_cause` is None if nothing blocks the operator,
    `other_scaler` names an autoscaler that targets a managed Deployment. `address` is that of the Service; None if it
    has none right now, the status then keeps the last one.
    """

    generation: int
    url: str
    model: ModelStatus
    capacity_sources: Mapping[str, CapacitySource]
    gateway_readiness: GatewayReadiness
    stall_cause: StallCause | None = None
    other_scaler: str | None = None
    address: str | None = None


def status_of(
    observation: Observation, decision: Decision, *, given: StatusInput, previous: EmbeddingServiceStatus
) -> EmbeddingServiceStatus:
    """Return the whole status after `decision`."""
    conditions = Conditions(previous.conditions, generation=given.generation, now=observation.now)
    _availability(observation, decision, given=given, conditions=conditions)
    _metrics(observation, decision, conditions=conditions)
    _triggers(observation, conditions=conditions)
    _schedule(observation.bounds, conditions=conditions)
    _from_step(decision, StepReason.PREWARM, _PREWARM, conditions=conditions)
    report_handover(observation, decision, conditions=conditions, previous=previous.conditions)
    _from_step(decision, StepReason.FALLBACK, _FALLBACK, conditions=conditions)
    _from_step(decision, StepReason.ENGINE_HANG, _ENGINE_HANG, conditions=conditions)
    _outliers(observation, conditions=conditions)
    _limits(observation, decision, conditions=conditions)
    _allocation(decision, conditions=conditions)
    _other_scaler(given, conditions=conditions)
    _gateway(given.gateway_readiness, conditions=conditions)
    ready = sum(target.ready for target in decision.targets)
    desired = sum(target.replicas for target in decision.targets)
    return EmbeddingServiceStatus(
        observed_generation=given.generation,
        replicas=desired,
        ready_replicas=ready,
        ready_summary=f"{ready}/{desired}",
        url=given.url,
        address=given.address or previous.address,
        model=given.model,
        pools=pool_statuses(decision, sources=given.capacity_sources),
        schedule=schedule_status(observation.bounds),
        decision=decision_status(observation, decision),
        conditions=conditions.listed(),
    )


def stalled_status(
    stall_cause: StallCause, *, previous: EmbeddingServiceStatus, conditions: Conditions, generation: int
) -> EmbeddingServiceStatus:
    """Return the status of a service whose spec cannot be acted on: the last known state, and what blocks it."""
    serving = previous.ready_replicas > 0
    if serving:
        conditions.keep(ConditionType.READY)
    else:
        conditions.false(ConditionType.READY, stall_cause.reason, stall_cause.message)
    conditions.false(ConditionType.RECONCILING, stall_cause.reason, "the last good state is kept")
    conditions.true(ConditionType.STALLED, stall_cause.reason, stall_cause.message)
    for kind in ConditionType:
        if kind not in (ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED):
            conditions.keep(kind)
    return previous.model_copy(update={"observed_generation": generation, "conditions": conditions.listed()})


def _availability(observation: Observation, decision: Decision, *, given: StatusInput, conditions: Conditions) -> None:
    moving = any(not target.ready == target.replicas == target.goal for target in decision.targets)
    moving = moving and decision.write
    _readiness(observation, decision, given=given, moving=moving, conditions=conditions)
    if moving:
        conditions.true(ConditionType.RECONCILING, Reason.SCALING, "replicas are starting or leaving")
    elif StepReason.PAUSED in decision.reasons():
        conditions.false(ConditionType.RECONCILING, Reason.PAUSED, "spec.scaling.mode is Paused")
    else:
        conditions.false(ConditionType.RECONCILING, Reason.SETTLED)
    if given.stall_cause is None:
        conditions.false(ConditionType.STALLED, Reason.PROGRESSING)
    else:
        conditions.true(ConditionType.STALLED, given.stall_cause.reason, given.stall_cause.message)


def _readiness(
    observation: Observation, decision: Decision, *, given: StatusInput, moving: bool, conditions: Conditions
) -> None:
    ready = sum(target.ready for target in decision.targets)
    floor = max(1, sum(allowance.min_replicas for allowance in observation.bounds.pools))
    if given.gateway_readiness.reason in _UNUSABLE_GATEWAY:
        conditions.false(ConditionType.READY, given.gateway_readiness.reason, given.gateway_readiness.message)
    elif observation.bounds.asleep and not any(target.replicas for target in decision.targets):
        message = f"window {observation.bounds.window} holds the service at zero replicas"
        conditions.true(ConditionType.READY, Reason.ASLEEP, message)
    elif StepReason.IDLE in decision.reasons() and not any(target.replicas for target in decision.targets):
        message = "no requests arrive: the gateway holds the next one until a replica has started for it"
        conditions.true(ConditionType.READY, Reason.ASLEEP, message)
    elif ready == 0:
        message = given.stall_cause.message if given.stall_cause is not None else "no replica is Ready yet"
        conditions.false(ConditionType.READY, Reason.STARTING, message)
    elif ready < floor:
        conditions.false(ConditionType.READY, Reason.DEGRADED, f"{ready} of at least {floor} replicas are Ready")
    elif moving:
        conditions.true(ConditionType.READY, Reason.SCALING, "replicas serve while their number changes")
    else:
        conditions.true(ConditionType.READY, Reason.SERVING, "every desired replica is Ready")


_UNUSABLE_GATEWAY = (Reason.GATEWAY_UNAVAILABLE, Reason.KEYS_NOT_ENFORCED)
"""A service whose gateway does this is not Ready, whatever its engines do."""

_HOLDS = {
    StepReason.METRICS_MISSING_HOLD: Reason.MISSING,
    StepReason.METRICS_STALE_HOLD: Reason.STALE,
    StepReason.METRICS_INVALID_HOLD: Reason.INVALID,
}


def _metrics(observation: Observation, decision: Decision, *, conditions: Conditions) -> None:
    kind = ConditionType.METRICS_AVAILABLE
    unheard = observation.gateway is not None and not observation.gateway.is_heard
    if unheard and not any(target.replicas for target in decision.targets):
        message = (
            "the gateway does not answer the operator: a request wakes the service if the gateway reaches the operator"
        )
        conditions.false(kind, Reason.MISSING, message)
        return
    if not any(pool.ready for pool in observation.pools):
        conditions.unknown(kind, Reason.NO_REPLICAS, "no replica is Ready, so there is nothing to measure")
        return
    for step in decision.steps:
        if step.reason in _HOLDS:
            conditions.false(kind, _HOLDS[step.reason], step.message)
            return
        if step.reason is StepReason.PARTIAL_METRICS_ASSUMED:
            conditions.false(kind, Reason.INCOMPLETE, step.message)
            return
        if step.reason is StepReason.PARTIAL_METRICS_NO_DOWN:
            conditions.true(kind, Reason.PARTIAL, step.message)
            return
    conditions.true(kind, Reason.REPORTING)


def _triggers(observation: Observation, *, conditions: Conditions) -> None:
    kind = ConditionType.TRIGGERS_AVAILABLE
    missing = asked_for(observation.triggers, now=observation.now).missing
    if not observation.triggers:
        conditions.true(kind, Reason.NO_TRIGGERS)
    elif missing:
        conditions.false(kind, Reason.MISSING, gap(missing))
    else:
        conditions.true(kind, Reason.REPORTING)


def _schedule(bounds: Bounds, *, conditions: Conditions) -> None:
    kind = ConditionType.SCHEDULE_APPLIED
    if bounds.problem is not None:
        conditions.false(kind, bounds.problem, _without_common_pool(bounds))
    elif bounds.source is None:
        conditions.false(kind, Reason.NO_SCHEDULE, "spec.pools always applies")
    elif bounds.window is None:
        conditions.true(kind, Reason.BASE_BOUNDS, f"no window of {bounds.source} is open: spec.pools applies")
    else:
        conditions.true(kind, Reason.WINDOW_ACTIVE, f"window {bounds.window} of {bounds.source} is open")


def _without_common_pool(bounds: Bounds) -> str:
    message = "the schedule, or its open window, names none of the pools that the service lists: add one to spec.pools"
    return message if bounds.source is None else f"{message}; {bounds.source} applies as far as it can"


_Marked = tuple[ConditionType, Reason, Reason]
"""A condition, its reason while a step of the decision sets it, and its reason otherwise."""

_PREWARM: _Marked = (ConditionType.PREWARMING, Reason.WINDOW_AHEAD, Reason.NO_WINDOW_AHEAD)
_FALLBACK: _Marked = (ConditionType.FALLBACK_ACTIVE, Reason.METRICS_UNAVAILABLE, Reason.METRICS_AVAILABLE)
_ENGINE_HANG: _Marked = (ConditionType.ENGINE_HANG, Reason.NOTHING_FINISHED, Reason.ANSWERING)


def _from_step(decision: Decision, mark: StepReason, marked: _Marked, *, conditions: Conditions) -> None:
    kind, reason, otherwise = marked
    messages = [step.message for step in decision.steps if step.reason is mark]
    if messages:
        conditions.true(kind, reason, "; ".join(messages))
    else:
        conditions.false(kind, otherwise)


def _outliers(observation: Observation, *, conditions: Conditions) -> None:
    kind = ConditionType.ENGINE_OUTLIER
    drained = frozenset() if observation.gateway is None else observation.gateway.drained
    names = sorted(pod.name for pool in observation.pools for pod in pool.ready if pod.name in drained)
    if names:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        message = (
            f"the gateway sends no requests to {names[0]}{others}: far more of its answers than of others' are errors"
        )
        conditions.true(kind, Reason.ANSWERS_WITH_ERRORS, message)
    else:
        conditions.false(kind, Reason.NO_OUTLIER)


def _limits(observation: Observation, decision: Decision, *, conditions: Conditions) -> None:
    stuck = [(pool, pod) for pool in observation.pools for pod in pool.stuck]
    if stuck:
        pool, pod = stuck[0]
        what = "do not answer" if pod.stuck is Reason.NOT_ANSWERING else "cannot start"
        message = f"{len(stuck)} replicas {what}, such as {pod.name} on {pool.name}"
        conditions.true(ConditionType.CAPACITY_LIMITED, pod.stuck or Reason.START_OVERDUE, message)
    elif any(step.reason is StepReason.POOL_BACKOFF for step in decision.steps):
        message = next(step.message for step in decision.steps if step.reason is StepReason.POOL_BACKOFF)
        conditions.true(ConditionType.CAPACITY_LIMITED, Reason.POOL_BACKOFF, message)
    else:
        conditions.false(ConditionType.CAPACITY_LIMITED, Reason.SUFFICIENT)
    for step in decision.steps:
        if step.reason is StepReason.AT_MAXIMUM:
            conditions.true(ConditionType.SCALING_LIMITED, Reason.AT_MAXIMUM, step.message)
            return
        if step.reason is StepReason.AT_MINIMUM:
            conditions.false(ConditionType.SCALING_LIMITED, Reason.AT_MINIMUM, step.message)
            return
    conditions.false(ConditionType.SCALING_LIMITED, Reason.WITHIN_BOUNDS)


def _allocation(decision: Decision, *, conditions: Conditions) -> None:
    kind = ConditionType.ALLOCATION_APPLIED
    conditions.true(kind, Reason.IN_ORDER, "pools are filled in the order of spec.pools")
    for step in decision.steps:
        if step.reason is StepReason.CHEAPEST_MIX:
            # The mix itself is in the decision: a message that names it would cause a status write at every change.
            conditions.true(kind, Reason.CHEAPEST_MIX, "replicas are on the cheapest mix that is worth changing to")
        elif step.reason is StepReason.PRICE_MISSING:
            conditions.false(kind, Reason.PRICE_MISSING, step.message)


def _other_scaler(given: StatusInput, *, conditions: Conditions) -> None:
    if given.other_scaler is None:
        conditions.false(ConditionType.CONFLICTING_SCALER, Reason.NO_OTHER_SCALER)
    else:
        message = f"{given.other_scaler} targets a Deployment of this service: delete it"
        conditions.true(ConditionType.CONFLICTING_SCALER, Reason.OTHER_SCALER, message)


def _gateway(gateway_readiness: GatewayReadiness, *, conditions: Conditions) -> None:
    write = conditions.true if gateway_readiness.status is ConditionStatus.TRUE else conditions.false
    write(ConditionType.GATEWAY_AVAILABLE, gateway_readiness.reason, gateway_readiness.message)
