"""What a service will need at a time of the day, by what it needed then on days like that one.

    forecast(at) = p90 of the requirement in the half hour from that clock time on, over the last 14 days of its class

Days are of one class from Monday to Friday, and of another at the weekend. Clock times are those of the schedule's time
zone, so that a change of the clocks does not move the morning. Fewer than three such days with samples are no history.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from embedding_operator.domain.quantile import quantile

DAYS = 14
SPAN = timedelta(minutes=30)
LEAST_DAYS = 3
QUANTILE = 0.9

SATURDAY = 5
SECONDS_PER_DAY = 86_400
LARGEST_CHANGE_OF_CLOCKS = 7200


def forecast(samples: Iterable[tuple[float, float]], *, at: datetime, zone: ZoneInfo) -> float | None:
    """Return the tokens per second that will be required from `at` on, None where the history does not say.

    `samples` are (seconds since 1970, tokens per second).
    """
    local = at.astimezone(zone)
    kept: list[float] = []
    days = set()
    for seconds, value in samples:
        if not _is_about_the_time(seconds - at.timestamp()):
            continue
        then = datetime.fromtimestamp(seconds, tz=UTC)
        if timedelta(0) < at - then <= timedelta(days=DAYS) and math.isfinite(value) and value >= 0:
            day = _day_of(then.astimezone(zone), clock=local)
            if day is not None and _is_weekend(day) == _is_weekend(local):
                days.add(day.date())
                kept.append(value)
    return quantile(kept, share=QUANTILE) if len(days) >= LEAST_DAYS else None


def _is_about_the_time(seconds: float) -> bool:
    """Return whether a sample that is `seconds` away is near the span of a day: telling local times is slow."""
    into_the_day = seconds % SECONDS_PER_DAY
    latest = SPAN.total_seconds() + LARGEST_CHANGE_OF_CLOCKS
    return into_the_day <= latest or into_the_day >= SECONDS_PER_DAY - LARGEST_CHANGE_OF_CLOCKS


def _day_of(then: datetime, *, clock: datetime) -> datetime | None:
    """Return the begin of the span that holds `then`, None where no span does; a span may reach past midnight."""
    wall = then.replace(tzinfo=None)
    begin = datetime.combine(wall.date(), clock.time())
    if begin > wall:
        begin -= timedelta(days=1)
    return begin if wall - begin < SPAN else None


def _is_weekend(day: datetime) -> bool:
    return day.weekday() >= SATURDAY
