"""Panic: within seconds far more arrives than the ready capacity can serve, or requests wait too long.

    burst    arrivals of the last 6 s / target utilization >= 2 * max(ready capacity, slowest allowed replica)
    overdue  the oldest request waits longer than `queue.drainSeconds`

Panic lasts for a minute after either was last true. During panic the higher of the long and the short rate applies,
growth is not limited, and no replica is removed.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.demand.lines import BATCH_SECONDS
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Load, Observation

PANIC_RATIO = 2.0
PANIC_SECONDS = 60.0
_PANIC = timedelta(seconds=PANIC_SECONDS)


class Panic(NamedTuple):
    """Until when panic lasts, None if there is no panic, and since when more than the next batch waits."""

    until: datetime | None
    queue_since: datetime | None
    steps: tuple[Step, ...] = ()


def panic_of(load: Load | None, *, observation: Observation, last: ScalingMemory) -> Panic:
    """Return the panic that `load` starts or prolongs; without a load, what is left of the last one."""
    now, left = observation.now, _left(last.panic_until, now=observation.now)
    if load is None:
        return Panic(until=left, queue_since=last.queue_since)
    since = _queue_since(load, observation=observation, last=last.queue_since)
    waited = oldest_wait(load, since=since, now=now)
    overdue = waited > observation.policy.drain_seconds and bool(_allowed(observation))
    until = now + _PANIC if overdue or _is_burst(load, observation=observation) else left
    if until is None:
        return Panic(until=None, queue_since=since)
    burst = load.burst_tokens_per_second or 0.0
    cause = f"requests have waited for {waited:.0f} s" if overdue else f"{burst:.0f} tokens/s arrived recently"
    message = f"{cause}: growth is not limited and no replica is removed until {until:%H:%M:%S} UTC"
    reported = step(StepReason.PANIC, message, before=last.required, after=last.required)
    return Panic(until=until, queue_since=since, steps=(reported,))


def in_panic(load: Load) -> Load:
    """Return `load` with the rate that applies during panic."""
    return replace(load, arrival_tokens_per_second=_higher_rate(load))


def oldest_wait(load: Load, *, since: datetime | None, now: datetime) -> float:
    """Return for how many seconds the oldest request has waited, 0 if unknown.

    Requests are served in order of arrival, so the waiting ones arrived last: the oldest arrived as long ago as it
    takes that many tokens to arrive, but not before the queue began at `since`.
    """
    rate = _higher_rate(load)
    if since is None or rate is None:
        return 0.0
    lasted = (now - since).total_seconds()
    return min(lasted, load.queue_tokens / rate) if rate > 0 else lasted


def _left(until: datetime | None, *, now: datetime) -> datetime | None:
    # A panic that lasts longer than possible was set before the clock went back.
    return until if until is not None and now < until <= now + _PANIC else None


def _queue_since(load: Load, *, observation: Observation, last: datetime | None) -> datetime | None:
    now = observation.now
    if load.work_that_waits <= BATCH_SECONDS * observation.ready_capacity:
        return None
    return now if last is None else min(last, now)


def _higher_rate(load: Load) -> float | None:
    rates = (load.arrival_tokens_per_second, load.burst_tokens_per_second)
    return max((rate for rate in rates if rate is not None), default=None)


def _is_burst(load: Load, *, observation: Observation) -> bool:
    allowed = _allowed(observation)
    if load.burst_tokens_per_second is None or not allowed:
        return False
    needed = load.burst_tokens_per_second / observation.policy.target_utilization
    return needed >= PANIC_RATIO * max(observation.ready_capacity, min(allowed))


def _allowed(observation: Observation) -> list[float]:
    """Return the tokens per second of one replica of each pool that the window allows."""
    capacity = observation.capacity
    return [capacity[each.pool] for each in observation.bounds.pools if each.pool in capacity]
