"""The tokens per second that a service should be able to serve: the last requirement, the demand, and its smoothing.

1. `last_requirement`  that of the last decision; after a restart, a gap or a clock jump, the running capacity
2. `demand`            the three lines of `lines`: if `up` is above the last requirement, grow to it; if `down` is below
                       it, shrink to `middle`; otherwise stay, except for a slow trim after 20 quiet minutes
3. `smooth`            stabilization windows, the growth limit, and the limit while engines hang

Missing, stale and invalid metrics hold the last requirement; they never count as no load. A restart, a gap between
decisions or a clock jump cannot shrink a service.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.demand.guards import FALLBACK_SECONDS, limited_by_hang
from embedding_operator.domain.demand.lines import Lines, lines_of
from embedding_operator.domain.demand.signals import Signals, capacity_of
from embedding_operator.domain.demand.stabilization import (
    GROWTH_STEP_SECONDS,
    TRIM_SECONDS,
    highest_within,
    lowest_within,
    peak_within,
    refilled_within,
    remembered,
)
from embedding_operator.domain.load.triggers import sentence
from embedding_operator.domain.memory import (
    BLIND_SECONDS,
    RateLimitStep,
    RequirementBucket,
    ScalingMemory,
    is_fresh,
    step_in_progress,
)
from embedding_operator.domain.observation import LEAST_HOLD_SECONDS, Load, Observation

RETURN_SECONDS = 3600.0
"""For so long after a load has returned, replicas are held for twice a start. A load that swings returns before that is
over; one that rises and falls once a day does not pay for it: with starts of 390 s it cost 9 % more on one trace when
replicas were always held for so long, and no request was earlier.
"""

LAPSE_SECONDS = 3600.0
"""A requirement is not kept for longer than this into an asleep window in which nothing is measured."""

TRIM_MARGIN = 1.05
"""The slow trim ends 5 % above the highest demand of its time."""


class Seeded(NamedTuple):
    """The memory that a decision continues from, and the step that seeded it if there was none."""

    memory: ScalingMemory
    steps: tuple[Step, ...] = ()


class Demand(NamedTuple):
    """The demand before smoothing, in tokens per second; `peak` is the demand before the dead band."""

    tokens_per_second: float
    peak: float
    steps: tuple[Step, ...]


class Requirement(NamedTuple):
    """The requirement, in tokens per second, and the state that the next decision needs."""

    tokens_per_second: float
    buckets: tuple[RequirementBucket, ...]
    growth: RateLimitStep
    returned_at: datetime | None
    steps: tuple[Step, ...]


def has_returned(observation: Observation) -> bool:
    """Return whether a load came back lately so soon after it had gone that its replicas should have been kept."""
    at = None if observation.memory is None else observation.memory.returned_at
    return at is not None and timedelta(0) <= observation.now - at < timedelta(seconds=RETURN_SECONDS)


def last_requirement(observation: Observation) -> Seeded:
    """Return the memory of the last decision, or one with the running capacity as the requirement."""
    memory, now = observation.memory, observation.now
    if memory is not None and is_fresh(memory.at, now=now):
        return _lapsed(memory, observation=observation)
    supply = round(capacity_of(observation).coming, 3)
    before = memory.required if memory is not None else 0.0
    required = max(before, supply)
    past = tuple(bucket for bucket in memory.buckets if bucket.until <= now) if memory is not None else ()
    seed = RequirementBucket(at=now, until=now, highest=required, lowest=required, peak=required)
    running = f"the running capacity ({supply:.0f} tokens/s)"
    message = f"no decision in the last {BLIND_SECONDS:.0f} s: {running} counts as required"
    seeded = ScalingMemory(
        at=now,
        required=required,
        buckets=(*past, seed),
        # A clock that goes back by a second does not end a panic.
        panic_until=None if memory is None else memory.panic_until,
    )
    return Seeded(seeded, (step(StepReason.RESTART_SEEDED, message, before=before, after=required),))


def _lapsed(memory: ScalingMemory, *, observation: Observation) -> Seeded:
    """Return `memory`, without its requirement if that was measured before a long sleep.

    Without a gateway nothing is measured while no replica runs: the morning would begin with what the evening needed.
    """
    bounds = observation.bounds
    asleep_since = bounds.since if bounds.asleep and observation.load is None else None
    if memory.required == 0 or asleep_since is None or any(pool.ready for pool in observation.pools):
        return Seeded(memory)
    if observation.now - asleep_since < timedelta(seconds=LAPSE_SECONDS):
        return Seeded(memory)
    message = f"nothing was measured since {asleep_since:%H:%M} UTC, so what was needed before no longer counts"
    lapsed = step(StepReason.REQUIREMENT_LAPSED, message, before=memory.required, after=0.0)
    return Seeded(memory._replace(required=0.0, buckets=()), (lapsed,))


def demand(signals: Signals, *, last: ScalingMemory) -> Demand:
    """Return what the measured load and external queues need, with a dead band around the last requirement."""
    if signals.load is None:
        return _unmeasured(signals, current=last.required)
    lines = _lines(signals, load=signals.load)
    asked = signals.triggers.replicas * signals.capacity.preferred_replica
    raised = lines._replace(up=max(lines.up, asked), middle=max(lines.middle, asked), down=max(lines.down, asked))
    # A service may not shrink below this while part of its load is assumed.
    least = 0.0 if signals.assumed is None else _lines(signals, load=signals.assumed).middle
    banded, why = _banded(raised, least=least, last=last, now=signals.now)
    return Demand(
        tokens_per_second=banded,
        peak=round(raised.up, 3),
        steps=(_load_step(lines, load=signals.load), *_trigger_steps(signals, before=lines.up, asked=asked), why),
    )


def smooth(wanted: Demand, *, signals: Signals, last: ScalingMemory) -> Requirement:
    """Return the requirement after stabilization and growth limits, which do not apply during panic."""
    policy, current = signals.policy, last.required
    buckets = remembered(
        last.buckets,
        now=signals.now,
        recommended=wanted.tokens_per_second,
        demand=wanted.peak,
        keep_seconds=max(
            policy.up_stabilization_seconds, policy.down_stabilization_seconds, policy.return_seconds, TRIM_SECONDS
        ),
    )
    growth = step_in_progress(
        last.growth, now=signals.now, seconds=GROWTH_STEP_SECONDS, capacity=signals.capacity.coming
    )
    required, steps = _limited(wanted, signals=signals, current=current, buckets=buckets, growth=growth)
    if signals.hang is not None:
        required, hung = _limited_by_hang(required, hang=signals.hang, current=current)
        steps = (*steps, hung)
    returned_at = signals.now if _returns(wanted, signals=signals, last=last) else last.returned_at
    return Requirement(tokens_per_second=required, buckets=buckets, growth=growth, returned_at=returned_at, steps=steps)


def _returns(wanted: Demand, *, signals: Signals, last: ScalingMemory) -> bool:
    """Return whether a replica is needed that was needed within twice a start, but not throughout the usual hold.

    It would have been removed, and would have to start.
    """
    seconds, replica = signals.policy.return_seconds, signals.capacity.preferred_replica
    if seconds <= LEAST_HOLD_SECONDS or signals.load is None:
        return False
    refilled = refilled_within(
        last.buckets, now=signals.now, seconds=seconds, hold=LEAST_HOLD_SECONDS, required=wanted.tokens_per_second
    )
    return refilled >= replica


def _unmeasured(signals: Signals, *, current: float) -> Demand:
    """Return the last requirement, or that of external queues if it is higher: they are measured elsewhere.

    If nothing has been measured for a long time, `spec.scaling.fallback` applies where it is higher still.
    """
    replica = signals.capacity.preferred_replica
    asked = round(signals.triggers.replicas * replica, 3)
    required, steps = max(current, asked), _trigger_steps(signals, before=current, asked=asked)
    if signals.fallback_replicas is not None:
        fallback = round(max(required, signals.fallback_replicas * replica), 3)
        message = f"nothing was measured for {FALLBACK_SECONDS:.0f} s: at least {signals.fallback_replicas} replicas"
        steps = (*steps, step(StepReason.FALLBACK, message, before=required, after=fallback))
        required = fallback
    return Demand(tokens_per_second=required, peak=required, steps=steps)


def _seconds_since(moment: datetime | None, *, now: datetime) -> float:
    return 0.0 if moment is None else (now - moment).total_seconds()


def _load_step(lines: Lines, *, load: Load) -> Step:
    if lines.queue_term > lines.rate_term:
        message = f"{load.queue_requests:.0f} requests ({load.queue_tokens:.0f} tokens) wait"
        return step(StepReason.QUEUE_DEMAND, message, before=lines.rate_term, after=lines.queue_term)
    message = f"{load.arrival_tokens_per_second or 0.0:.0f} tokens/s arrive"
    return step(StepReason.RATE_DEMAND, message, before=lines.queue_term, after=lines.rate_term)


def _trigger_steps(signals: Signals, *, before: float, asked: float) -> tuple[Step, ...]:
    if asked <= before:
        return ()
    return (step(StepReason.TRIGGER_DEMAND, sentence(signals.triggers), before=before, after=asked),)


def _lines(signals: Signals, *, load: Load) -> Lines:
    """Return the lines for `load`: the measured one, or one of which a part is assumed."""
    return lines_of(
        load,
        policy=signals.policy,
        ready_capacity=signals.capacity.ready,
        replica_capacity=signals.capacity.preferred_replica,
        queued_seconds=_seconds_since(signals.panic.queue_since, now=signals.now),
        ahead=signals.help,
    )


def _banded(lines: Lines, *, least: float, last: ScalingMemory, now: datetime) -> tuple[float, Step]:
    """Return the requirement after the dead band, which filters noise, and the slow trim, no lower than `least`."""
    current = last.required
    if lines.up > current:
        message = "the load needs more than the current requirement"
        return round(lines.up, 3), step(StepReason.DEMAND_UP, message, before=current, after=lines.up)
    if max(lines.down, least) < current:
        message = "the load needs clearly less than the current requirement"
        middle = max(lines.middle, least)
        landed = step(StepReason.DEMAND_DOWN, message, before=current, after=middle)
        return round(min(middle, current), 3), landed
    peak = peak_within(last.buckets, now=now, seconds=TRIM_SECONDS)
    if peak is not None and max(peak, lines.up, least) * TRIM_MARGIN < current:
        trimmed = max(peak, lines.up, least) * TRIM_MARGIN
        message = f"the load has needed less than the current requirement for {TRIM_SECONDS / 60:.0f} minutes"
        return round(trimmed, 3), step(StepReason.SLOW_TRIM, message, before=current, after=trimmed)
    return current, step(StepReason.IN_BAND, "the requirement fits the load", before=current, after=current)


def _limited(
    wanted: Demand, *, signals: Signals, current: float, buckets: tuple[RequirementBucket, ...], growth: RateLimitStep
) -> tuple[float, tuple[Step, ...]]:
    """Return `wanted` as far as stabilization windows and the growth limit allow; neither applies during panic."""
    needed = wanted.tokens_per_second
    if signals.panic.until is not None:
        return max(current, needed), ()
    if needed <= current:
        return _stabilized_down(needed, signals=signals, current=current, buckets=buckets)
    stabilized, held = _stabilized_up(needed, signals=signals, current=current, buckets=buckets)
    limited, slowed = _limited_up(stabilized, signals=signals, current=current, growth=growth)
    return limited, (*held, *slowed)


def _stabilized_down(
    wanted: float, *, signals: Signals, current: float, buckets: tuple[RequirementBucket, ...]
) -> tuple[float, tuple[Step, ...]]:
    if signals.frozen or wanted == current:
        return current, ()
    seconds = signals.policy.down_stabilization_seconds
    highest = highest_within(buckets, now=signals.now, seconds=seconds)
    if highest <= wanted:
        return wanted, ()
    held = min(current, highest)
    message = f"more was needed within the last {seconds:.0f} s"
    return held, (step(StepReason.DOWN_STABILIZED, message, before=wanted, after=held),)


def _stabilized_up(
    wanted: float, *, signals: Signals, current: float, buckets: tuple[RequirementBucket, ...]
) -> tuple[float, tuple[Step, ...]]:
    seconds = signals.policy.up_stabilization_seconds
    lowest = wanted if seconds == 0 else lowest_within(buckets, now=signals.now, seconds=seconds)
    if lowest >= wanted:
        return wanted, ()
    allowed = max(current, lowest)
    message = f"not needed throughout the last {seconds:.0f} s"
    return allowed, (step(StepReason.UP_STABILIZED, message, before=wanted, after=allowed),)


def _limited_up(
    wanted: float, *, signals: Signals, current: float, growth: RateLimitStep
) -> tuple[float, tuple[Step, ...]]:
    policy, fastest = signals.policy, signals.capacity.fastest_replica
    limit = max(policy.up_factor * growth.capacity, growth.capacity + policy.up_replicas * fastest)
    if wanted <= limit:
        return wanted, ()
    allowed = round(max(current, limit), 3)
    message = f"growth in {GROWTH_STEP_SECONDS:.0f} s is limited to {limit:.0f} tokens/s"
    return allowed, (step(StepReason.UP_RATE_LIMITED, message, before=wanted, after=allowed),)


def _limited_by_hang(required: float, *, hang: RateLimitStep, current: float) -> tuple[float, Step]:
    limited = limited_by_hang(required, hang=hang, current=current)
    message = f"requests wait but engines have finished none since {hang.at:%H:%M:%S} UTC: growing would not help"
    return limited, step(StepReason.ENGINE_HANG, message, before=required, after=limited)
