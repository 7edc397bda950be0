"""The forecast for a time of day from the history."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from embedding_operator.domain.load.forecast import forecast, level
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY_MORNING = datetime(2026, 6, 15, 8, 0, tzinfo=BERLIN)
SATURDAY_MORNING = datetime(2026, 6, 20, 8, 0, tzinfo=BERLIN)

Samples = list[tuple[float, float]]


def history(value: Callable[[datetime], float], *, until: datetime, days: float = 14) -> Samples:
    """Return a sample every five minutes: `value` at the local time."""
    steps = int(days * 288)
    instants = [until.astimezone(UTC) - timedelta(minutes=5 * step) for step in range(steps + 1)]
    return [(each.timestamp(), value(each.astimezone(BERLIN))) for each in instants]


def by_hour(local: datetime) -> float:
    return 1000.0 * local.hour


def test_the_clock_time_counts() -> None:
    samples = history(by_hour, until=MONDAY_MORNING - timedelta(hours=1))
    assert forecast(samples, at=MONDAY_MORNING, now=MONDAY_MORNING, zone=BERLIN) == 8000.0
    evening = MONDAY_MORNING.replace(hour=20)
    assert forecast(samples, at=evening, now=evening, zone=BERLIN) == 20_000.0


def test_working_days_and_weekends_are_apart() -> None:
    samples = history(lambda local: 500.0 if local.weekday() >= 5 else 4000.0, until=SATURDAY_MORNING)
    assert forecast(samples, at=SATURDAY_MORNING, now=SATURDAY_MORNING, zone=BERLIN) == 500.0
    monday = SATURDAY_MORNING + timedelta(days=2)
    assert forecast(samples, at=monday, now=monday, zone=BERLIN) == 4000.0


def test_one_day_in_ten_may_be_higher() -> None:
    """Of ten working days, the highest is ignored: one outage or campaign does not buy GPUs for two weeks."""
    highest = (MONDAY_MORNING - timedelta(days=3)).date()
    samples = history(lambda local: 90_000.0 if local.date() == highest else 100.0, until=MONDAY_MORNING)
    assert forecast(samples, at=MONDAY_MORNING, now=MONDAY_MORNING, zone=BERLIN) == 100.0


def test_a_change_of_the_clocks_does_not_move_the_morning() -> None:
    monday_after = datetime(2026, 3, 30, 8, 0, tzinfo=BERLIN)
    samples = history(by_hour, until=monday_after - timedelta(hours=1))
    assert forecast(samples, at=monday_after, now=monday_after, zone=BERLIN) == 8000.0


def test_a_span_reaches_past_midnight() -> None:
    late = datetime(2026, 6, 16, 23, 45, tzinfo=BERLIN)
    samples = history(lambda local: 700.0 if local.hour == 0 else 1.0, until=late)
    assert forecast(samples, at=late, now=late, zone=BERLIN) == 700.0


@pytest.mark.parametrize("days", [0, 1, 2.5])
def test_a_short_history_is_none(days: float) -> None:
    until = datetime(2026, 6, 17, 7, 59, tzinfo=BERLIN)
    at = until + timedelta(minutes=1)
    assert forecast(history(by_hour, until=until, days=days), at=at, now=until, zone=BERLIN) is None


def test_what_is_too_old_or_still_to_come_does_not_count() -> None:
    old = history(by_hour, until=MONDAY_MORNING - timedelta(days=14, hours=1))
    coming = history(by_hour, until=MONDAY_MORNING + timedelta(days=14), days=13.9)
    assert forecast([*old, *coming], at=MONDAY_MORNING, now=MONDAY_MORNING, zone=BERLIN) is None


anything = st.lists(
    st.tuples(
        st.integers(0, 14 * 288).map(lambda step: MONDAY_MORNING.timestamp() - 300 * step),
        st.floats(allow_nan=True, allow_infinity=True),
    ),
    max_size=200,
)


def today_at(share: float, *, hours: float = 4.0) -> Samples:
    """Return two weeks in which the last `hours` before eight had `share` of what is usual by the clock."""
    since = MONDAY_MORNING - timedelta(hours=hours)
    return history(lambda local: by_hour(local) * (share if local > since else 1.0), until=MONDAY_MORNING)


@pytest.mark.parametrize(
    ("share", "hours", "expected"),
    [
        (1.0, 4.0, 8000.0),
        (0.5, 4.0, 8000.0 * 0.5 ** (36 / 42)),
        (2.0, 4.0, 8000.0 * 2.0 ** (36 / 42)),
        (0.0, 4.0, 8000.0 * 0.25 ** (36 / 42)),
        (50.0, 4.0, 8000.0 * 4.0 ** (36 / 42)),
    ],
    ids=["as usual", "half", "twice", "no less than a quarter", "no more than four times"],
)
def test_the_pattern_is_taken_at_the_level_of_today(share: float, hours: float, expected: float) -> None:
    found = forecast(today_at(share, hours=hours), at=MONDAY_MORNING, now=MONDAY_MORNING, zone=BERLIN)
    assert found == pytest.approx(expected)


def test_the_longer_today_differs_the_more_it_counts() -> None:
    levels = [level(today_at(0.5, hours=hours), now=MONDAY_MORNING, zone=BERLIN) for hours in (0.0, 0.5, 1.0, 2.0, 3.0)]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(1.0)


def test_few_samples_of_today_change_little() -> None:
    samples = today_at(0.5)
    newest = sorted(samples)[-2:]
    early = [each for each in samples if each[0] < (MONDAY_MORNING - timedelta(hours=5)).timestamp()]
    assert level([*early, *newest], now=MONDAY_MORNING, zone=BERLIN) == pytest.approx(0.5 ** (2 / 8))
    assert level(early, now=MONDAY_MORNING, zone=BERLIN) == 1.0


@given(anything)
def test_it_is_a_value_that_was_there_at_most_four_times_up_or_down(samples: Samples) -> None:
    found = forecast(samples, at=MONDAY_MORNING, now=MONDAY_MORNING, zone=BERLIN)
    assert found is None or 0 <= found < math.inf
    assert 0.25 <= level(samples, now=MONDAY_MORNING, zone=BERLIN) <= 4.0


@given(anything)
def test_the_order_of_samples_does_not_matter(samples: Samples) -> None:
    turned = list(reversed(samples))
    now = MONDAY_MORNING
    assert forecast(samples, at=now, now=now, zone=BERLIN) == forecast(turned, at=now, now=now, zone=BERLIN)
