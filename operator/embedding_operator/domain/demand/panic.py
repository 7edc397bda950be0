"""Panic: far more arrives within seconds than is ready for it, or requests wait for longer than they should.

It begins when what arrived in the last six seconds needs twice the ready capacity, or twice the slowest replica where
less than that is ready; and when the oldest request has waited for longer than `queue.drainSeconds`. It lasts for a
minute after that was last so. In it the short rate counts beside the long one, growth is not limited, and nothing
leaves.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from embedding_operator.domain.demand.lines import BATCH_SECONDS
from embedding_operator.domain.observation import Load, Observation

PANIC_RATIO = 2.0
PANIC_SECONDS = 60.0
_PANIC = timedelta(seconds=PANIC_SECONDS)


def panic_until(
    load: Load | None, *, observation: Observation, last: datetime | None, queue_since: datetime | None
) -> datetime | None:
    """Return until when there is panic, None where there is none; `last` is until when it was to last so far."""
    now = observation.now
    if load is not None and (
        _is_burst(load, observation=observation) or is_overdue(load, observation=observation, since=queue_since)
    ):
        return now + _PANIC
    # One that lasts longer than it can was set by a clock that has gone back since.
    return last if last is not None and now < last <= now + _PANIC else None


def in_panic(load: Load) -> Load:
    """Return `load` with the rate that counts in panic."""
    return replace(load, arrival_tokens_per_second=_higher_rate(load))


def queue_since(load: Load, *, observation: Observation, last: datetime | None) -> datetime | None:
    """Return since when more waits than the next batch, None where no more does; `last` is what that was so far."""
    now = observation.now
    if load.work_that_waits <= BATCH_SECONDS * observation.ready_capacity:
        return None
    return now if last is None else min(last, now)


def oldest_wait(load: Load, *, since: datetime | None, now: datetime) -> float:
    """Return for how many seconds the oldest request waits, 0 where that is not known.

    First come, first served: what waits is what came last, so the oldest of it came as long ago as so much takes to
    arrive; but not before the queue began.
    """
    rate = _higher_rate(load)
    if since is None or rate is None:
        return 0.0
    lasted = (now - since).total_seconds()
    return min(lasted, load.queue_tokens / rate) if rate > 0 else lasted


def is_overdue(load: Load, *, observation: Observation, since: datetime | None) -> bool:
    """Return whether the oldest request waits for longer than the service says, and some pool may grow."""
    waited = oldest_wait(load, since=since, now=observation.now)
    return waited > observation.policy.drain_seconds and bool(_allowed(observation))


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
