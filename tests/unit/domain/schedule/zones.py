"""Time zones for tests: when their clocks change, and a slow local clock that is correct by construction."""

import operator
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ZONES = sorted(available_timezones())

ODD_ZONES = (
    "Africa/Casablanca",  # goes back in Ramadan, four weeks apart
    "America/Havana",  # goes back from 01:00 to midnight
    "America/Nuuk",  # skips 23:00 to 24:00
    "America/Santiago",  # skips midnight
    "Antarctica/Troll",  # moves by two hours
    "Asia/Beirut",  # skips midnight
    "Australia/Lord_Howe",  # moves by half an hour
    "Pacific/Chatham",  # 45 minutes off the full hour, at 02:45
)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[misc, arg-type]


def naive(*fields: int) -> datetime:
    return utc(*fields).replace(tzinfo=None)


@cache
def changes(zone: str, *, year: int = 2026) -> tuple[datetime, ...]:
    """Return the instants at which the clocks of `zone` change in `year`."""
    clock = ZoneInfo(zone)
    days = [utc(year, 1, 1) + number * DAY for number in range(367)]
    offsets = [_offset(day, clock=clock) for day in days]
    return tuple(
        _change_between(before, after, clock=clock)
        for (before, after), (old, new) in zip(pairwise(days), pairwise(offsets), strict=True)
        if old != new
    )


def _change_between(before: datetime, after: datetime, *, clock: ZoneInfo) -> datetime:
    minutes = range((after - before) // MINUTE + 1)
    old = _offset(before, clock=clock)
    return next(instant for minute in minutes if _offset(instant := before + minute * MINUTE, clock=clock) != old)


def _offset(instant: datetime, *, clock: ZoneInfo) -> timedelta | None:
    return instant.astimezone(clock).utcoffset()


@cache
def changes_of_clocks(*, year: int = 2026) -> tuple[tuple[str, datetime], ...]:
    """Return every clock change of all zones in `year`; of zones with the same change, only the first."""
    distinct: dict[tuple[datetime, timedelta | None, timedelta | None], str] = {}
    for zone in ZONES:
        clock = ZoneInfo(zone)
        for change in changes(zone, year=year):
            key = (change, _offset(change - MINUTE, clock=clock), _offset(change, clock=clock))
            distinct.setdefault(key, zone)
    return tuple((zone, change) for (change, *_), zone in distinct.items())


def zones() -> st.SearchStrategy[str]:
    return st.sampled_from(ZONES)


def instants_near_changes(zone: str) -> st.SearchStrategy[datetime]:
    """Draw instants within some hours of a clock change in 2026, or of noon on a day in June without one."""
    centres = st.sampled_from(changes(zone) or (utc(2026, 6, 3, 12),))
    return st.builds(operator.add, centres, st.timedeltas(-30 * HOUR, 30 * HOUR))


class WallClock:
    """The latest time that the wall clock of `zone` has shown, read repeatedly over a period.

    It executes the definition of the monotonic clock. Correct for times that fall on a reading, if no reading is late
    for a clock change and the first one is not within a repeated hour.
    """

    def __init__(self, zone: str, *, start: datetime, end: datetime, every: timedelta = MINUTE) -> None:
        clock = ZoneInfo(zone)
        self.instants = [start + number * every for number in range((end - start) // every)]
        shown = (instant.astimezone(clock).replace(tzinfo=None) for instant in self.instants)
        self.highest = list(accumulate(shown, max))

    def instant_of(self, local: datetime) -> datetime:
        """Return the first instant at which the wall clock showed `local` or later; the last one if it never did."""
        return self.instants[min(bisect_left(self.highest, local), len(self.instants) - 1)]

    def local_time(self, instant: datetime) -> datetime:
        """Return the latest time that the wall clock showed until `instant`."""
        return self.highest[bisect_right(self.instants, instant) - 1]
