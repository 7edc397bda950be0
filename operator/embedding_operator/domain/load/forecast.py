"""Forecasts the requirement of a service at a time of day, from its requirement on similar days and today.

    pattern(at)  = p90 of the requirement in the half hour from that clock time on, over the last 14 days of its class
    level        = sum of the last three hours / sum of their medians on days of this class, within [1/4, 4]
    forecast(at) = pattern(at) * level ^ (n / (n + 6))          n samples, five minutes apart, say what the level is

Weeks differ more than days: with a quarter of the requests, floors fitted to a week cost 56 % more on one trace.
Monday to Friday are one class of days, the weekend is the other. Clock times are in the schedule's time zone, so that a
daylight saving change does not shift the morning. At least three such days with samples are needed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from math import fsum
from statistics import median
from zoneinfo import ZoneInfo

from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.quantile import quantile

DAYS = 14
SPAN = timedelta(minutes=30)
LEAST_DAYS = 3
QUANTILE = 0.9

SATURDAY = 5
SECONDS_PER_DAY = 86_400
LARGEST_CHANGE_OF_CLOCKS = 7200


LEVEL_SECONDS = 3 * 3600
LEVEL_RANGE = (0.25, 4.0)
CLOCK_MINUTES = 5
DOUBT = 6
"""With so many samples of today, half of the change of level is believed (on a logarithmic scale)."""


def forecast(samples: Sequence[tuple[float, float]], *, at: datetime, now: datetime, zone: ZoneInfo) -> float | None:
    """Return the tokens per second that will be required from `at` on, or None if there is too little history.

    `samples` are (seconds since 1970, tokens per second), until `now`.
    """
    expected = _pattern(samples, at=at, zone=zone)
    return None if expected is None else expected * level(samples, now=now, zone=zone)


def level(samples: Iterable[tuple[float, float]], *, now: datetime, zone: ZoneInfo) -> float:
    """Return by how much more is required today than at this time on other days of its class; 1 if that is unknown.

    The others are represented by their median: one outage or campaign does not change what is usual.
    """
    weekend = _is_weekend(now.astimezone(zone))
    today: dict[int, float] = {}
    before: dict[int, dict[date, float]] = {}
    for seconds, value in samples:
        passed = now.timestamp() - seconds
        if not 0 <= passed <= DAYS * SECONDS_PER_DAY or not _is_about_now(passed) or not is_possible(value):
            continue
        local = datetime.fromtimestamp(seconds, tz=zone)
        clock = (local.hour * 60 + local.minute) // CLOCK_MINUTES
        if passed < LEVEL_SECONDS:
            today[clock] = max(value, today.get(clock, 0.0))
        elif _is_weekend(local) == weekend:
            day = before.setdefault(clock, {})
            day[local.date()] = max(value, day.get(local.date(), 0.0))
    compared = [clock for clock in sorted(today) if len(before.get(clock, ())) >= LEAST_DAYS]
    usual = fsum(median(before[clock].values()) for clock in compared)
    if usual <= 0:
        return 1.0
    least, most = LEVEL_RANGE
    ratio = max(least, min(most, fsum(today[clock] for clock in compared) / usual))
    believed: float = ratio ** (len(compared) / (len(compared) + DOUBT))
    return believed


def _is_about_now(passed: float) -> bool:
    """Return whether a sample is near the last hours of its day: converting to local times is slow."""
    into_the_day = passed % SECONDS_PER_DAY
    return (
        into_the_day <= LEVEL_SECONDS + LARGEST_CHANGE_OF_CLOCKS
        or into_the_day >= SECONDS_PER_DAY - LARGEST_CHANGE_OF_CLOCKS
    )


def _pattern(samples: Iterable[tuple[float, float]], *, at: datetime, zone: ZoneInfo) -> float | None:
    local = at.astimezone(zone)
    kept: list[float] = []
    days = set()
    for seconds, value in samples:
        if not _is_about_the_time(seconds - at.timestamp()):
            continue
        then = datetime.fromtimestamp(seconds, tz=UTC)
        if timedelta(0) < at - then <= timedelta(days=DAYS) and is_possible(value):
            day = _day_of(then.astimezone(zone), clock=local)
            if day is not None and _is_weekend(day) == _is_weekend(local):
                days.add(day.date())
                kept.append(value)
    return quantile(kept, share=QUANTILE) if len(days) >= LEAST_DAYS else None


def _is_about_the_time(seconds: float) -> bool:
    """Return whether a sample `seconds` away is near the span of its day: converting to local times is slow."""
    into_the_day = seconds % SECONDS_PER_DAY
    latest = SPAN.total_seconds() + LARGEST_CHANGE_OF_CLOCKS
    return into_the_day <= latest or into_the_day >= SECONDS_PER_DAY - LARGEST_CHANGE_OF_CLOCKS


def _day_of(then: datetime, *, clock: datetime) -> datetime | None:
    """Return the beginning of the span that contains `then`, or None; a span may extend past midnight."""
    wall = then.replace(tzinfo=None)
    begin = datetime.combine(wall.date(), clock.time())
    if begin > wall:
        begin -= timedelta(days=1)
    return begin if wall - begin < SPAN else None


def _is_weekend(day: datetime) -> bool:
    return day.weekday() >= SATURDAY
