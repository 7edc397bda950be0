"""Guards against acting on measurements that are missing, incomplete or misleading.

    unusable  missing, invalid or more than 15 s old     the last requirement is held, and the service does not shrink
    gap       a replica or gateway pod did not answer    growing is allowed, shrinking is not, for a while: `gaps`
    blind     nothing measured for 300 s                 `scaling.fallback.replicas`, if that is more than runs
    hang      requests wait and engines finish nothing   growth stops at twice the capacity Ready when it began

Measurements count as lost only while a Ready replica could be measured. A service without a Ready replica has none to
lose: it is starting, or asleep.

Where engines hang on a request, more replicas do not help: new ones would hang too.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.load.engine_load import MAX_AGE_SECONDS
from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.memory import RateLimitStep, ScalingMemory
from embedding_operator.domain.observation import Load, Observation

FALLBACK_SECONDS = 300.0
HANG_FACTOR = 2.0


class Unusable(NamedTuple):
    """Why a load cannot be used."""

    reason: StepReason
    message: str


def usable_load(observation: Observation) -> Load | Unusable:
    """Return the load to base the decision on, or why there is none."""
    load = observation.load
    if load is None:
        serving = any(pool.ready for pool in observation.pools)
        message = (
            "no replica reported: the requirement is held" if serving else "no replica is Ready, so nothing is measured"
        )
        return Unusable(StepReason.METRICS_MISSING_HOLD, message)
    rates = (load.arrival_tokens_per_second or 0.0, load.burst_tokens_per_second or 0.0)
    samples = (load.queue_requests, load.queue_tokens, *rates)
    if not all(map(is_possible, samples)):
        message = "a metric is negative, NaN or too large: the requirement is held"
        return Unusable(StepReason.METRICS_INVALID_HOLD, message)
    age = (observation.now - load.sampled_at).total_seconds()
    if abs(age) > MAX_AGE_SECONDS:
        message = f"the metrics are {age:.0f} s old: the requirement is held"
        return Unusable(StepReason.METRICS_STALE_HOLD, message)
    return load


def blind_since(observation: Observation, *, last: ScalingMemory) -> datetime | None:
    """Return since when measurements have been lost, or None if there is nothing to measure."""
    if not any(pool.ready for pool in observation.pools):
        return None
    since = last.blind_since
    return since if since is not None and since <= observation.now else observation.now


def fallback_replicas(observation: Observation, *, blind_since: datetime | None) -> int | None:
    """Return the fallback's replicas of the preferred pool, or None if the fallback does not apply."""
    if blind_since is None or observation.now - blind_since < timedelta(seconds=FALLBACK_SECONDS):
        return None
    return observation.policy.fallback_replicas


def engine_hang(load: Load, *, observation: Observation, last: RateLimitStep | None) -> RateLimitStep | None:
    """Return since when engines hang and the capacity that was Ready then, or None if they do not hang."""
    ready = observation.ready_capacity
    hangs = load.served_tokens_per_second == 0.0 and load.queue_requests > 0 and load.reporting == load.expected
    if not hangs or ready <= 0:
        return None
    return RateLimitStep(at=observation.now, capacity=ready) if last is None else last


def limited_by_hang(required: float, *, hang: RateLimitStep, current: float) -> float:
    """Return `required`, limited to what may be required while engines hang."""
    return min(required, max(current, HANG_FACTOR * hang.capacity))
