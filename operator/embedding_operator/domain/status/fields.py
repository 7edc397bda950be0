"""The parts of the status besides its conditions: pools, schedule, decision."""

from collections.abc import Mapping
from datetime import datetime

from embedding_operator.api.v1alpha1.status import (
    MAX_STEPS,
    CapacitySource,
    DecisionStatus,
    DecisionStep,
    PoolStatus,
    ScheduleStatus,
    TriggerStatus,
)
from embedding_operator.domain.decision import HOLDS, Decision, PoolTarget
from embedding_operator.domain.load.triggers import usable
from embedding_operator.domain.observation import Bounds, Load, Observation, TriggerReading
from embedding_operator.domain.status.memory_codec import written


def pool_statuses(decision: Decision, *, sources: Mapping[str, CapacitySource]) -> list[PoolStatus]:
    """Return `status.pools`; `sources` says by pool where its capacity is from until it is learned."""
    return [_pool(target, sources=sources) for target in decision.targets]


def _pool(target: PoolTarget, *, sources: Mapping[str, CapacitySource]) -> PoolStatus:
    source = sources.get(target.pool, CapacitySource.ESTIMATE)
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


def schedule_status(bounds: Bounds) -> ScheduleStatus | None:
    """Return `status.schedule`; None where no schedule applies."""
    if bounds.source is None:
        return None
    return ScheduleStatus(
        source=bounds.source,
        window=bounds.window,
        since=bounds.since,
        next_window=bounds.next_window,
        next_transition=bounds.next_transition,
    )


def decision_status(observation: Observation, decision: Decision) -> DecisionStatus:
    """Return `status.decision`: inputs, result, and every step between them."""
    load = observation.load
    usable = load is not None and not any(step.reason in HOLDS for step in decision.steps)
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
            # A service can hold replicas on more pools than it lists.
            for step in decision.steps[:MAX_STEPS]
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
