"""What a decision knows about the load; each signal is evaluated once, here.

1. load      the measured load, or why it is unusable                               (`guards`)
2. gaps      what is missing in it: nothing shrinks, or what is silent counts as busy (`gaps`)
3. triggers  what external queues need; a missing one also prevents shrinking       (`load.triggers`)
4. panic     whether far more arrives than can be served, or requests wait too long (`panic`)
5. hang      whether engines finish nothing                                         (`guards`)
6. blind     since when nothing can be measured, and the fallback for that          (`guards`)
7. help      when starting replicas will serve                                      (`backlog_forecast`)
"""

from datetime import datetime
from typing import NamedTuple

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.demand.backlog_forecast import Outlook, outlook
from embedding_operator.domain.demand.gaps import assumed_load, gap_in, gap_since
from embedding_operator.domain.demand.guards import (
    Unusable,
    blind_since,
    engine_hang,
    fallback_replicas,
    usable_load,
)
from embedding_operator.domain.demand.panic import Panic, in_panic, panic_of
from embedding_operator.domain.load.triggers import TriggerDemand, asked_for, gap
from embedding_operator.domain.memory import RateLimitStep, ScalingMemory
from embedding_operator.domain.observation import Load, Observation, ScalingPolicy


class Capacity(NamedTuple):
    """Tokens per second of all Ready replicas, of Ready and starting ones, and of one replica on two pools."""

    ready: float
    coming: float
    preferred_replica: float
    fastest_replica: float


class Signals(NamedTuple):
    """The inputs of the demand. `load` is None if nothing usable was measured.

    Something has been missing in it since `gap_since`; `assumed` is the load down to which a service may then shrink.
    `frozen` says that no replica may be removed on this evidence. `fallback_replicas` is None if the fallback is not
    due or not set.
    """

    now: datetime
    policy: ScalingPolicy
    capacity: Capacity
    load: Load | None
    triggers: TriggerDemand
    frozen: bool
    panic: Panic
    help: Outlook
    assumed: Load | None = None
    gap_since: datetime | None = None
    hang: RateLimitStep | None = None
    blind_since: datetime | None = None
    fallback_replicas: int | None = None
    steps: tuple[Step, ...] = ()


def read_signals(observation: Observation, *, last: ScalingMemory) -> Signals:
    """Return the signals in `observation`; `last` is the memory of the last decision."""
    measured = usable_load(observation)
    load = None if isinstance(measured, Unusable) else measured
    triggers = asked_for(observation.triggers, now=observation.now)
    panic = panic_of(load, observation=observation, last=last)
    gap = None if load is None else gap_in(load, observation=observation)
    since = gap_since(gap, last=last.gap_since, now=observation.now)
    assumed = None if load is None else assumed_load(load, observation=observation, since=since)
    missing = None if assumed is not None else gap
    holds = _holds(measured, missing=missing, triggers=triggers, current=last.required)
    blind = blind_since(observation, last=last) if load is None else None
    return Signals(
        now=observation.now,
        policy=observation.policy,
        capacity=capacity_of(observation),
        load=load if load is None or panic.until is None else in_panic(load),
        triggers=triggers,
        frozen=bool(holds) or panic.until is not None,
        panic=panic,
        help=outlook(observation, required=last.required, buckets=last.buckets),
        assumed=assumed,
        gap_since=since,
        hang=None if load is None else engine_hang(load, observation=observation, last=last.engine_hang),
        blind_since=blind,
        fallback_replicas=fallback_replicas(observation, blind_since=blind),
        steps=(*holds, *_assumed_steps(gap, assumed=assumed, since=since, current=last.required), *panic.steps),
    )


def capacity_of(observation: Observation) -> Capacity:
    """Return the capacity of the pools of a service."""
    each = observation.capacity
    fastest = max(each.values(), default=0.0)
    preferred = (each[allowance.pool] for allowance in observation.bounds.pools if allowance.pool in each)
    coming = [
        pool.tokens_per_second * min(pool.replicas, len(pool.ready) + pool.starting) for pool in observation.pools
    ]
    return Capacity(
        ready=observation.ready_capacity,
        coming=sum(coming),
        preferred_replica=next(preferred, fastest),
        fastest_replica=fastest,
    )


def _assumed_steps(
    gap: str | None, *, assumed: Load | None, since: datetime | None, current: float
) -> tuple[Step, ...]:
    if assumed is None:
        return ()
    message = f"{gap}, as since {since:%Y-%m-%d %H:%M:%S} UTC: what is silent counts as busy, the rest may shrink"
    return (step(StepReason.PARTIAL_METRICS_ASSUMED, message, before=current, after=current),)


def _holds(
    measured: Load | Unusable, *, missing: str | None, triggers: TriggerDemand, current: float
) -> tuple[Step, ...]:
    """Return a step for each reason why the service may not shrink."""
    held: list[tuple[StepReason, str]] = []
    if isinstance(measured, Unusable):
        held.append((measured.reason, measured.message))
    elif missing is not None:
        held.append((StepReason.PARTIAL_METRICS_NO_DOWN, f"{missing}: growing is allowed, shrinking is not"))
    if triggers.missing:
        message = f"{gap(triggers.missing)}: growing is allowed, shrinking is not"
        held.append((StepReason.TRIGGER_MISSING_NO_DOWN, message))
    return tuple([step(reason, message, before=current, after=current) for reason, message in held])
