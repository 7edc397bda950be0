"""Panic: far more arrives within seconds than is ready for it.

It begins when what arrived in the last six seconds needs twice the ready capacity, or twice the slowest replica where
less than that is ready, and lasts for a minute after that was last so. In it the short rate counts beside the long one,
growth is not limited, and nothing leaves.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from embedding_operator.domain.observation import Load, Observation

PANIC_RATIO = 2.0
PANIC_SECONDS = 60.0
_PANIC = timedelta(seconds=PANIC_SECONDS)


def panic_until(load: Load | None, *, observation: Observation, last: datetime | None) -> datetime | None:
    """Return until when there is panic, None where there is none; `last` is until when it was to last so far."""
    now = observation.now
    if load is not None and _is_burst(load, observation=observation):
        return now + _PANIC
    # One that lasts longer than it can was set by a clock that has gone back since.
    return last if last is not None and now < last <= now + _PANIC else None


def in_panic(load: Load) -> Load:
    """Return `load` with the rate that counts in panic."""
    rates = (load.arrival_tokens_per_second, load.burst_tokens_per_second)
    return replace(load, arrival_tokens_per_second=max((rate for rate in rates if rate is not None), default=None))


def _is_burst(load: Load, *, observation: Observation) -> bool:
    if load.burst_tokens_per_second is None:
        return False
    capacity = observation.capacity
    allowed = [capacity[each.pool] for each in observation.bounds.pools if each.pool in capacity]
    if not allowed:
        return False
    needed = load.burst_tokens_per_second / observation.policy.target_utilization
    return needed >= PANIC_RATIO * max(observation.ready_capacity, min(allowed))
