"""How many tokens per second a service should be able to serve: seeded, measured, banded, smoothed.

Missing, stale and invalid figures hold the last requirement; they are never read as no load. After a restart, a gap in
the decisions or a jump of the clock, what runs counts as the last requirement, so none of them can shrink a service.
"""

from datetime import datetime
from typing import NamedTuple

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.demand.backlog_forecast import outlook
from embedding_operator.domain.demand.fallback import FALLBACK_SECONDS, blind_since, fallback_replicas
from embedding_operator.domain.demand.figures import Hold, gap_in, usable_load
from embedding_operator.domain.demand.lines import Demand, demand_of
from embedding_operator.domain.demand.panic import in_panic, is_overdue, oldest_wait, panic_until, queue_since
from embedding_operator.domain.demand.stabilization import (
    BLIND_SECONDS,
    GROWTH_STEP_SECONDS,
    TRIM_SECONDS,
    highest_within,
    is_fresh,
    lowest_within,
    peak_within,
    remembered,
    step_in_progress,
)
from embedding_operator.domain.demand.stall import most_while_stalled, stall
from embedding_operator.domain.load.triggers import TriggerDemand, asked_for, gap, raised, sentence
from embedding_operator.domain.memory import Bucket, RateStep, ScalingMemory
from embedding_operator.domain.observation import Load, Observation, Pool
from embedding_operator.domain.trace import Trace

TRIM_MARGIN = 1.05


class Requirement(NamedTuple):
    """What is required, in tokens per second, and what led there.

    `frozen` says that nothing may be removed on the figures behind it.
    """

    tokens_per_second: float
    frozen: bool
    panic_until: datetime | None
    blind_since: datetime | None
    queue_since: datetime | None
    stall: RateStep | None
    buckets: tuple[Bucket, ...]
    growth: RateStep


class _Wish(NamedTuple):
    """The requirement before smoothing, and the demand behind it."""

    tokens_per_second: float
    demand: float
    frozen: bool
    panic_until: datetime | None
    blind_since: datetime | None = None
    queue_since: datetime | None = None
    stall: RateStep | None = None


def requirement(observation: Observation, *, trace: Trace) -> Requirement:
    """Return the capacity that the service should have."""
    memory = _seeded(observation, trace=trace)
    wish = _wish(observation, memory=memory, trace=trace)
    policy = observation.policy
    buckets = remembered(
        memory.buckets,
        now=observation.now,
        recommended=wish.tokens_per_second,
        demand=wish.demand,
        keep_seconds=max(policy.up_stabilization_seconds, policy.down_stabilization_seconds, TRIM_SECONDS),
    )
    growth = step_in_progress(
        memory.growth, now=observation.now, seconds=GROWTH_STEP_SECONDS, capacity=_supply(observation.pools)
    )
    if wish.panic_until is not None:
        smoothed = max(memory.required, wish.tokens_per_second)
    elif wish.tokens_per_second > memory.required:
        wanted = _stabilized_up(observation, memory=memory, wanted=wish.tokens_per_second, buckets=buckets, trace=trace)
        smoothed = _limited_up(observation, current=memory.required, wanted=wanted, growth=growth, trace=trace)
    else:
        smoothed = _stabilized_down(observation, memory=memory, wish=wish, buckets=buckets, trace=trace)
    return Requirement(
        tokens_per_second=_held_while_stalled(wish, required=smoothed, current=memory.required, trace=trace),
        frozen=wish.frozen,
        panic_until=wish.panic_until,
        blind_since=wish.blind_since,
        queue_since=wish.queue_since,
        stall=wish.stall,
        buckets=buckets,
        growth=growth,
    )


def _supply(pools: tuple[Pool, ...]) -> float:
    """Return the tokens per second of what is Ready or on its way."""
    return sum([pool.tokens_per_second * min(pool.replicas, len(pool.ready) + pool.starting) for pool in pools])


def _seeded(observation: Observation, *, trace: Trace) -> ScalingMemory:
    memory, now = observation.memory, observation.now
    if memory is not None and is_fresh(memory.at, now=now):
        return memory
    supply = round(_supply(observation.pools), 3)
    before = memory.required if memory is not None else 0.0
    required = max(before, supply)
    past = tuple(bucket for bucket in memory.buckets if bucket.until <= now) if memory is not None else ()
    seed = Bucket(at=now, until=now, highest=required, lowest=required, peak=required)
    trace.add(
        StepReason.RESTART_SEEDED,
        f"no decision in the last {BLIND_SECONDS:.0f} s: what runs ({supply:.0f} tokens/s) counts as required",
        before=before,
        after=required,
    )
    # A clock that went back a second ends no panic.
    panic = None if memory is None else memory.panic_until
    return ScalingMemory(at=now, required=required, buckets=(*past, seed), panic_until=panic)


def _wish(observation: Observation, *, memory: ScalingMemory, trace: Trace) -> _Wish:
    """Return the requirement before smoothing."""
    current = memory.required
    load = usable_load(observation)
    asked = asked_for(observation.triggers, now=observation.now)
    if isinstance(load, Hold):
        trace.add(load.reason, load.message, before=current, after=current)
        return _held(observation, memory=memory, asked=asked, trace=trace)
    frozen = _partial(load, observation=observation, current=current, trace=trace)
    frozen = _without_triggers(asked, current=current, trace=trace) or frozen
    since = queue_since(load, observation=observation, last=memory.queue_since)
    until = panic_until(load, observation=observation, last=memory.panic_until, queue_since=since)
    if until is not None:
        _trace_panic(load, observation=observation, since=since, until=until, current=current, trace=trace)
        load, frozen = in_panic(load), True
    reference = _reference_capacity(observation)
    demand = demand_of(
        load,
        policy=observation.policy,
        ready_capacity=observation.ready_capacity,
        replica_capacity=reference,
        queued_seconds=0.0 if since is None else (observation.now - since).total_seconds(),
        ahead=outlook(observation, required=current, buckets=memory.buckets),
    )
    _trace_demand(demand, load=load, trace=trace)
    demand = raised(demand, asked=asked, replica_capacity=reference, trace=trace)
    banded = _banded(demand, observation=observation, memory=memory, trace=trace)
    return _Wish(
        tokens_per_second=banded,
        demand=round(demand.up, 3),
        frozen=frozen,
        panic_until=until,
        queue_since=since,
        stall=stall(load, observation=observation, last=memory.stall),
    )


def _trace_panic(
    load: Load, *, observation: Observation, since: datetime | None, until: datetime, current: float, trace: Trace
) -> None:
    if is_overdue(load, observation=observation, since=since):
        cause = f"requests wait for {oldest_wait(load, since=since, now=observation.now):.0f} s"
    else:
        cause = f"{load.burst_tokens_per_second or 0.0:.0f} tokens/s arrived of late"
    message = f"{cause}: growth is not limited, and nothing leaves until {until:%H:%M:%S} UTC"
    trace.add(StepReason.PANIC, message, before=current, after=current)


def _held_while_stalled(wish: _Wish, *, required: float, current: float, trace: Trace) -> float:
    held = most_while_stalled(wish.stall, required=required, current=current)
    if wish.stall is not None:
        message = (
            f"requests wait and engines have finished none since {wish.stall.at:%H:%M:%S} UTC: more would not help"
        )
        trace.add(StepReason.SERVING_STALLED, message, before=required, after=held)
    return held


def _held(observation: Observation, *, memory: ScalingMemory, asked: TriggerDemand, trace: Trace) -> _Wish:
    """Return what is required, or what external queues ask for where that is more: they are measured elsewhere.

    Where nothing could be measured for long, it is what the spec says for that time, if that is more.
    """
    current, reference = memory.required, _reference_capacity(observation)
    since = blind_since(observation, memory=memory)
    replicas = fallback_replicas(observation, since=since)
    wanted = round(asked.replicas * reference, 3)
    if wanted > current:
        trace.add(StepReason.TRIGGER_DEMAND, sentence(asked), before=current, after=wanted)
    _without_triggers(asked, current=current, trace=trace)
    required = max(current, wanted)
    if replicas is not None:
        message = f"nothing was measured for {FALLBACK_SECONDS:.0f} s: {replicas} replicas at least"
        fallback = round(max(required, replicas * reference), 3)
        trace.add(StepReason.FALLBACK, message, before=required, after=fallback)
        required = fallback
    return _Wish(
        tokens_per_second=required,
        demand=required,
        frozen=True,
        panic_until=panic_until(None, observation=observation, last=memory.panic_until, queue_since=None),
        blind_since=since,
        queue_since=memory.queue_since,
    )


def _without_triggers(asked: TriggerDemand, *, current: float, trace: Trace) -> bool:
    """Return whether a trigger is missing, so that nothing may shrink."""
    if asked.missing:
        message = f"{gap(asked.missing)}: growing is allowed, shrinking is not"
        trace.add(StepReason.TRIGGER_MISSING_NO_DOWN, message, before=current, after=current)
    return bool(asked.missing)


def _partial(load: Load, *, observation: Observation, current: float, trace: Trace) -> bool:
    """Return whether figures are incomplete, so that nothing may shrink on them."""
    gap = gap_in(load, observation=observation)
    if gap is None:
        return False
    message = f"{gap}: growing is allowed, shrinking is not"
    trace.add(StepReason.PARTIAL_METRICS_NO_DOWN, message, before=current, after=current)
    return True


def _reference_capacity(observation: Observation) -> float:
    """Return the tokens per second of one replica of the preferred pool."""
    capacity = observation.capacity
    for allowance in observation.bounds.pools:
        if allowance.pool in capacity:
            return capacity[allowance.pool]
    return max(capacity.values(), default=0.0)


def _trace_demand(demand: Demand, *, load: Load, trace: Trace) -> None:
    if demand.queue_term > demand.rate_term:
        message = f"{load.queue_requests:.0f} requests ({load.queue_tokens:.0f} tokens) wait"
        trace.add(StepReason.QUEUE_DEMAND, message, before=demand.rate_term, after=demand.queue_term)
    else:
        message = f"{load.arrival_tokens_per_second or 0.0:.0f} tokens/s arrive"
        trace.add(StepReason.RATE_DEMAND, message, before=demand.queue_term, after=demand.rate_term)


def _banded(demand: Demand, *, observation: Observation, memory: ScalingMemory, trace: Trace) -> float:
    """Return the requirement after the dead band, which noise can not cross, and its slow trim."""
    current = memory.required
    if demand.up > current:
        trace.add(StepReason.DEMAND_UP, "the load needs more than is required now", before=current, after=demand.up)
        return round(demand.up, 3)
    if demand.down < current:
        message = "the load needs clearly less than is required now"
        trace.add(StepReason.DEMAND_DOWN, message, before=current, after=demand.middle)
        return round(min(demand.middle, current), 3)
    peak = peak_within(memory.buckets, now=observation.now, seconds=TRIM_SECONDS)
    if peak is not None and max(peak, demand.up) * TRIM_MARGIN < current:
        trimmed = max(peak, demand.up) * TRIM_MARGIN
        message = f"for {TRIM_SECONDS / 60:.0f} minutes the load needed less than is required"
        trace.add(StepReason.SLOW_TRIM, message, before=current, after=trimmed)
        return round(trimmed, 3)
    trace.add(StepReason.IN_BAND, "the requirement fits the load", before=current, after=current)
    return current


def _stabilized_down(
    observation: Observation, *, memory: ScalingMemory, wish: _Wish, buckets: tuple[Bucket, ...], trace: Trace
) -> float:
    current, wanted = memory.required, wish.tokens_per_second
    if wish.frozen or wanted == current:
        return current
    seconds = observation.policy.down_stabilization_seconds
    highest = highest_within(buckets, now=observation.now, seconds=seconds)
    if highest > wanted:
        held = min(current, highest)
        message = f"in the last {seconds:.0f} s more was needed"
        trace.add(StepReason.DOWN_STABILIZED, message, before=wanted, after=held)
        return held
    return wanted


def _stabilized_up(
    observation: Observation, *, memory: ScalingMemory, wanted: float, buckets: tuple[Bucket, ...], trace: Trace
) -> float:
    seconds = observation.policy.up_stabilization_seconds
    if seconds == 0:
        return wanted
    lowest = lowest_within(buckets, now=observation.now, seconds=seconds)
    if lowest >= wanted:
        return wanted
    allowed = max(memory.required, lowest)
    trace.add(StepReason.UP_STABILIZED, f"not needed throughout the last {seconds:.0f} s", before=wanted, after=allowed)
    return allowed


def _limited_up(observation: Observation, *, current: float, wanted: float, growth: RateStep, trace: Trace) -> float:
    policy = observation.policy
    fastest = max((pool.tokens_per_second for pool in observation.pools), default=0.0)
    limit = max(policy.up_factor * growth.capacity, growth.capacity + policy.up_replicas * fastest)
    if wanted <= limit:
        return wanted
    allowed = round(max(current, limit), 3)
    message = f"growth in {GROWTH_STEP_SECONDS:.0f} s is limited to {limit:.0f} tokens/s"
    trace.add(StepReason.UP_RATE_LIMITED, message, before=wanted, after=allowed)
    return allowed
