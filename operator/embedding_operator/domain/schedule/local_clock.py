"""A local clock that never runs backwards, and the instants at which it reaches a time.

Wall clocks skip an hour in spring and repeat one in autumn. This clock stands still during the repeated hour, so it is
monotone: it reaches every local time at exactly one instant, its first occurrence, or the instant of the clock change
for a skipped time. Its times are naive.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def local_time(now: datetime, *, zone: ZoneInfo) -> datetime:
    """Return the naive time that the monotone clock of `zone` shows at the instant `now`."""
    shown = now.astimezone(zone)
    if shown.fold == 0:
        return shown.replace(tzinfo=None)
    change = _first_change(after=shown.replace(fold=0).astimezone(UTC), until=now.astimezone(UTC), zone=zone)
    return (change - timedelta.resolution).astimezone(zone).replace(tzinfo=None)


def instant_of(local: datetime, *, zone: ZoneInfo) -> datetime:
    """Return the first instant, in UTC, at which the clock of `zone` shows the naive time `local` or a later one."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # A skipped time: fold=0 reads it with the offset before the change, fold=1 with the one after (PEP 495).
    return _first_change(after=local.replace(tzinfo=zone, fold=1).astimezone(UTC), until=instant, zone=zone)


def _first_change(*, after: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """Return the whole second in (`after`, `until`] at which the offset of `zone` stops being that at `after`."""
    offset = after.astimezone(zone).utcoffset()
    low, high = after.replace(microsecond=0), until.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high
