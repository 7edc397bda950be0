"""Turns a decision into the status that users read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.status import (
    CapacitySource,
    DecisionStatus,
    DecisionStep,
    EmbeddingServiceStatus,
    ModelStatus,
    PoolStatus,
    ScheduleStatus,
    TriggerStatus,
)
from embedding_operator.domain.capacity.startup_time import overdue_after
from embedding_operator.domain.decision import Decision, PoolTarget, StepReason
from embedding_operator.domain.gateway_routing import GatewayReadiness
from embedding_operator.domain.load.triggers import asked_for, gap, usable
from embedding_operator.domain.observation import Bounds, Load, Observation, Parity, TriggerReading
from embedding_operator.domain.placement.handover import settled, takes_over
from embedding_operator.domain.status.conditions import Conditions
from embedding_operator.domain.status.memory_codec import written

LONGEST_HANDOVER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class StallCause:
    """What prevents the operator from doing what the spec asks for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusInput:
    """What the status reports besides the decision.

    `gateway_readiness` says how requests reach the engines, `stall_cause` is None if nothing blocks the operator,
    `other_scaler` names an autoscaler that targets a managed Deployment.
    """

    generation: int
    url: str
    model: ModelStatus
    capacity_sources: Mapping[str, CapacitySource]
    gateway_readiness: GatewayReadiness
    stall_cause: StallCause | None = None
    other_scaler: str | None = None


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
    _handover(observation, decision, conditions=conditions, previous=previous.conditions)
    _from_step(decision, StepReason.FALLBACK, _FALLBACK, conditions=conditions)
    _from_step(decision, StepReason.ENGINE_HANG, _ENGINE_HANG, conditions=conditions)
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
        model=given.model,
        pools=_pools(decision, given=given),
        schedule=_schedule_status(observation.bounds),
        decision=_decision_status(observation, decision),
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
    if given.gateway_readiness.reason is Reason.GATEWAY_UNAVAILABLE:
        conditions.false(ConditionType.READY, Reason.GATEWAY_UNAVAILABLE, given.gateway_readiness.message)
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


_HOLDS = {
    StepReason.METRICS_MISSING_HOLD: Reason.MISSING,
    StepReason.METRICS_STALE_HOLD: Reason.STALE,
    StepReason.METRICS_INVALID_HOLD: Reason.INVALID,
}


def _metrics(observation: Observation, decision: Decision, *, conditions: Conditions) -> None:
    kind = ConditionType.METRICS_AVAILABLE
    if not any(pool.ready for pool in observation.pools):
        conditions.unknown(kind, Reason.NO_REPLICAS, "no replica is Ready, so there is nothing to measure")
        return
    for step in decision.steps:
        if step.reason in _HOLDS:
            conditions.false(kind, _HOLDS[step.reason], step.message)
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
        conditions.false(kind, bounds.problem, "the schedule names none of the pools that the service lists")
    elif bounds.source is None:
        conditions.false(kind, Reason.NO_SCHEDULE, "spec.pools always applies")
    elif bounds.window is None:
        conditions.true(kind, Reason.BASE_BOUNDS, f"no window of {bounds.source} is open: spec.pools applies")
    else:
        conditions.true(kind, Reason.WINDOW_ACTIVE, f"window {bounds.window} of {bounds.source} is open")


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


def _handover(
    observation: Observation, decision: Decision, *, conditions: Conditions, previous: Sequence[Condition]
) -> None:
    kind = ConditionType.HANDOVER_IN_PROGRESS
    goal = {target.pool: target.goal for target in decision.targets}
    if not takes_over(observation.pools, goal=goal):
        conditions.false(kind, Reason.STABLE)
    elif not decision.write:
        conditions.false(kind, Reason.STABLE, "replicas are not written in this scaling.mode")
    else:
        reason, message = _handover_phase(observation, decision, goal=goal)
        if reason is not Reason.DRAINING and _is_overdue(previous, observation=observation):
            reason, message = Reason.HANDOVER_OVERDUE, f"{message}. The handover should be over by now"
        conditions.true(kind, reason, message)


def _is_overdue(previous: Sequence[Condition], *, observation: Observation) -> bool:
    """Return whether the handover in `previous` has taken longer than any handover should."""
    longest = max([LONGEST_HANDOVER, *[overdue_after(pool.startup_seconds) for pool in observation.pools]])
    begun = next((each for each in previous if each.type == ConditionType.HANDOVER_IN_PROGRESS), None)
    if begun is None or begun.status is not ConditionStatus.TRUE:
        return False
    return observation.now - begun.last_transition_time > longest


def _handover_phase(observation: Observation, decision: Decision, *, goal: Mapping[str, int]) -> tuple[Reason, str]:
    incoming = [pool for pool in observation.pools if goal[pool.name] > 0]
    names = ", ".join(pool.name for pool in incoming)
    held = [step for step in decision.steps if step.reason in (StepReason.HANDOVER_HOLD, StepReason.DOWN_FROZEN)]
    if not held:
        return Reason.DRAINING, f"{names} serves: the other replicas are leaving"
    if any(len(pool.ready) < goal[pool.name] for pool in incoming):
        return Reason.WAITING_FOR_READY, f"replicas on {names} are not Ready yet: the others stay"
    if any(pod.parity is Parity.FAILED for pool in incoming for pod in pool.ready):
        message = f"replicas on {names} return different vectors than those that they replace: the others stay"
        return Reason.PARITY_FAILED, message
    if all(settled(pod, now=observation.now) for pool in incoming for pod in pool.ready):
        return Reason.SETTLING, f"replicas on {names} have not answered the probe yet: the others stay"
    return Reason.SETTLING, f"replicas on {names} have been Ready for less than 30 s: the others stay"


def _limits(observation: Observation, decision: Decision, *, conditions: Conditions) -> None:
    stuck = [(pool, pod) for pool in observation.pools for pod in pool.stuck]
    if stuck:
        pool, pod = stuck[0]
        message = f"{len(stuck)} replicas cannot start, such as {pod.name} on {pool.name}"
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


def _pools(decision: Decision, *, given: StatusInput) -> list[PoolStatus]:
    return [_pool(target, given=given) for target in decision.targets]


def _pool(target: PoolTarget, *, given: StatusInput) -> PoolStatus:
    source = given.capacity_sources.get(target.pool, CapacitySource.ESTIMATE)
    return PoolStatus(
        gpu_pool=target.pool,
        desired=target.replicas,
        ready=target.ready,
        starting=target.starting,
        stuck=target.stuck,
        tokens_per_second=round(target.tokens_per_second),
        capacity_source=CapacitySource.LEARNED if target.is_learned else source,
        start_seconds_p90=None if target.start_seconds is None else round(target.start_seconds),
    )


def _schedule_status(bounds: Bounds) -> ScheduleStatus | None:
    if bounds.source is None:
        return None
    return ScheduleStatus(
        source=bounds.source,
        window=bounds.window,
        since=bounds.since,
        next_window=bounds.next_window,
        next_transition=bounds.next_transition,
    )


def _decision_status(observation: Observation, decision: Decision) -> DecisionStatus:
    load = observation.load
    usable = load is not None and not any(step.reason in _HOLDS for step in decision.steps)
    return DecisionStatus(
        at=decision.at,
        queue_requests=round(_waiting(observation, load), 1) if load is not None and usable else None,
        queue_tokens=round(load.queue_tokens, 1) if load is not None and usable else None,
        arrival_tokens_per_second=(
            round(load.arrival_tokens_per_second, 1)
            if load is not None and usable and load.arrival_tokens_per_second is not None
            else None
        ),
        triggers=[_trigger(reading, now=observation.now) for reading in observation.triggers],
        required=decision.required,
        steps=[
            DecisionStep(reason=step.reason, before=step.before, after=step.after, message=step.message)
            for step in decision.steps
        ],
        memory=written(decision.memory),
    )


def _trigger(reading: TriggerReading, *, now: datetime) -> TriggerStatus:
    checked = usable(reading, now=now)
    return TriggerStatus(name=checked.name, value=checked.value, problem=checked.problem)


def _waiting(observation: Observation, load: Load) -> float:
    """Return the waiting requests: at the gateway if there is one, as those at engines are being served."""
    gateway = observation.gateway
    return load.queue_requests if gateway is None or gateway.sampled_at is None else gateway.waiting
