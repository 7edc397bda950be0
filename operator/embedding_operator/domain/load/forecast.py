"""Forecasts the requirement of a service at a time of day, from its requirement on similar days.

    forecast(at) = p90 of the requirement in the half hour from that clock time on, over the last 14 days of its class

Monday to Friday are one class of days, the weekend is the other. Clock times are in the schedule's time zone, so that a
daylight saving change does not shift the morning. At least three such days with samples are needed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
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


def forecast(samples: Iterable[tuple[float, float]], *, at: datetime, zone: ZoneInfo) -> float | None:
    """Return the tokens per second that will be required from `at` on, or None if there is too little history.

    `samples` are (seconds since 1970, tokens per second).
    """
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
