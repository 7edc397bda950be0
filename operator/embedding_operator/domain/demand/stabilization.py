"""The history behind the stabilization windows, in buckets of half a minute.

Buckets with the same values merge, so a service at rest has one, however long its windows are.
"""

from bisect import bisect_left
from datetime import datetime, timedelta
from operator import attrgetter

from embedding_operator.domain.memory import RequirementBucket

BUCKET_SECONDS = 30.0
TRIM_SECONDS = 1200.0
GROWTH_STEP_SECONDS = 15.0


def remembered(
    buckets: tuple[RequirementBucket, ...], *, now: datetime, recommended: float, demand: float, keep_seconds: float
) -> tuple[RequirementBucket, ...]:
    """Return `buckets` with a recommendation added, without those that ended more than `keep_seconds` ago."""
    kept = _recent(buckets, now=now, seconds=keep_seconds)
    new = RequirementBucket(at=now, until=now, highest=recommended, lowest=recommended, peak=demand)
    if not kept:
        return (new,)
    last = kept[-1]
    same = last.highest == last.lowest == recommended and last.peak == demand
    if same:
        return (*kept[:-1], last._replace(until=now))
    if (now - last.at).total_seconds() < BUCKET_SECONDS:
        merged = RequirementBucket(
            at=last.at,
            until=now,
            highest=max(last.highest, recommended),
            lowest=min(last.lowest, recommended),
            peak=max(last.peak, demand),
        )
        return (*kept[:-1], merged)
    return (*kept, new)


def highest_within(buckets: tuple[RequirementBucket, ...], *, now: datetime, seconds: float) -> float:
    """Return the highest recommendation of the last `seconds`, or 0 if there is none."""
    return max([bucket.highest for bucket in _recent(buckets, now=now, seconds=seconds)], default=0.0)


def lowest_within(buckets: tuple[RequirementBucket, ...], *, now: datetime, seconds: float) -> float:
    """Return the lowest recommendation of the last `seconds`, or 0 unless the buckets reach back that far."""
    if not buckets or buckets[0].at > now - timedelta(seconds=seconds):
        return 0.0
    return min([bucket.lowest for bucket in _recent(buckets, now=now, seconds=seconds)], default=0.0)


def peak_within(buckets: tuple[RequirementBucket, ...], *, now: datetime, seconds: float) -> float | None:
    """Return the highest demand of the last `seconds`, or None unless the buckets reach back that far."""
    if not buckets or buckets[0].at > now - timedelta(seconds=seconds):
        return None
    return max([bucket.peak for bucket in _recent(buckets, now=now, seconds=seconds)], default=None)


def refilled_within(
    buckets: tuple[RequirementBucket, ...], *, now: datetime, seconds: float, hold: float, required: float
) -> float:
    """Return how much of `required` was needed before within the last `seconds`, but at no time of a `hold` since then.

    That is the capacity, in tokens per second, that would have been removed after `hold` seconds and is needed again.
    """
    recent = _recent(buckets, now=now, seconds=seconds)
    if not recent or required <= min([bucket.lowest for bucket in recent]):
        return 0.0
    refilled, first, before = 0.0, 0, 0.0
    for place, bucket in enumerate(recent):
        since = bucket.until - timedelta(seconds=hold)
        while recent[first].until < since:
            before = max(before, recent[first].highest)
            first += 1
        if before > 0:
            kept = max([each.highest for each in recent[first : place + 1]])
            refilled = max(refilled, min(required, before) - kept)
    return refilled


def _recent(buckets: tuple[RequirementBucket, ...], *, now: datetime, seconds: float) -> tuple[RequirementBucket, ...]:
    """Return the buckets that overlap the last `seconds`, in order of time."""
    horizon = now - timedelta(seconds=seconds)
    if not buckets or buckets[0].until >= horizon:
        return buckets
    return buckets[bisect_left(buckets, horizon, key=attrgetter("until")) :]
