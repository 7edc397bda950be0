from datetime import date, datetime
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.schedule import Window
from embedding_operator.domain.schedule.windows import WindowHours

WEDNESDAY = date(2026, 6, 3)


def hours(start: str, end: str, **fields: Any) -> WindowHours:
    return WindowHours.of(Window.model_validate({"name": "w", "start": start, "end": end, "asleep": True, **fields}))


@pytest.mark.parametrize(
    ("start", "end", "moment", "is_open"),
    [
        ("08:00", "22:00", "07:59", False),
        ("08:00", "22:00", "08:00", True),
        ("08:00", "22:00", "21:59:59.999999", True),
        ("08:00", "22:00", "22:00", False),
        ("22:00", "08:00", "21:59", False),
        ("22:00", "08:00", "22:00", True),
        ("22:00", "08:00", "00:00", True),
        ("22:00", "08:00", "07:59", True),
        ("22:00", "08:00", "08:00", False),
        ("20:00", "24:00", "23:59", True),
        ("20:00", "24:00", "00:00", False),
        ("20:00", "00:00", "23:59", True),
        ("20:00", "00:00", "00:00", False),
        ("00:00", "24:00", "00:00", True),
        ("00:00", "24:00", "23:59", True),
        ("08:00", "07:59", "07:59", False),
        ("08:00", "07:59", "07:58", True),
    ],
)
def test_a_window_is_open_from_its_start_until_before_its_end(
    start: str,
    end: str,
    moment: str,
    is_open: bool,  # noqa: FBT001
) -> None:
    assert hours(start, end).is_open(datetime.fromisoformat(f"2026-06-03T{moment}")) is is_open


def test_start_and_end_at_the_same_time_make_a_whole_day() -> None:
    # The API server refuses such a window; an object that is older than this rule still has a meaning.
    assert hours("09:00", "09:00", days=["Wed"]).is_open(datetime.fromisoformat("2026-06-04T08:59"))


@pytest.mark.parametrize(
    ("fields", "opens_on"),
    [
        pytest.param({}, "Mon Tue Wed Thu Fri Sat Sun", id="every day"),
        pytest.param({"days": ["Wed", "Sun"]}, "Wed Sun", id="days"),
        pytest.param({"dates": ["2026-06-04"]}, "Thu", id="dates alone"),
        pytest.param({"days": ["Mon"], "dates": ["2026-06-04"]}, "Mon Thu", id="dates add to days"),
        pytest.param({"days": ["Mon", "Wed"], "exceptDates": ["2026-06-03"]}, "Mon", id="except removes from days"),
        pytest.param({"exceptDates": ["2026-06-03"]}, "Mon Tue Thu Fri Sat Sun", id="except removes from every day"),
        pytest.param({"dates": ["2026-06-04"], "exceptDates": ["2026-06-04"]}, "", id="except removes from dates"),
        pytest.param({"days": ["Wed"], "dates": ["2026-06-03"]}, "Wed", id="a date that is a day already"),
    ],
)
def test_the_days_of_a_week_on_which_a_window_opens(fields: dict[str, Any], opens_on: str) -> None:
    week = [date(2026, 6, number) for number in range(1, 8)]
    opening = [day for day in week if hours("08:00", "22:00", **fields).opens_on(day)]
    assert [f"{day:%a}" for day in opening] == opens_on.split()


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-06-05T23:00", True),  # Friday night
        ("2026-06-06T07:59", True),  # belongs to Friday
        ("2026-06-06T08:00", False),
        ("2026-06-06T23:00", False),
        ("2026-06-07T01:00", False),
    ],
)
def test_days_name_the_day_on_which_the_night_begins(moment: str, is_open: bool) -> None:  # noqa: FBT001
    assert hours("22:00", "08:00", days=["Fri"]).is_open(datetime.fromisoformat(moment)) is is_open


def test_an_excepted_day_leaves_the_morning_that_the_night_before_runs_into() -> None:
    night = hours("22:00", "08:00", exceptDates=["2026-06-03"])
    assert night.is_open(datetime.fromisoformat("2026-06-03T07:00"))
    assert not night.is_open(datetime.fromisoformat("2026-06-03T23:00"))
    assert not night.is_open(datetime.fromisoformat("2026-06-04T07:00"))


@pytest.mark.parametrize(
    ("start", "end", "boundaries"),
    [
        ("08:00", "22:00", ["2026-06-03T08:00", "2026-06-03T22:00"]),
        ("22:00", "08:00", ["2026-06-03T08:00", "2026-06-03T22:00"]),
        ("20:00", "24:00", ["2026-06-03T00:00", "2026-06-03T20:00"]),
        ("00:00", "24:00", ["2026-06-03T00:00", "2026-06-03T00:00"]),
    ],
)
def test_the_boundaries_of_a_day_are_those_that_fall_on_it(start: str, end: str, boundaries: list[str]) -> None:
    assert sorted(hours(start, end).boundaries(WEDNESDAY)) == [datetime.fromisoformat(each) for each in boundaries]


def test_a_day_without_opening_keeps_the_end_of_the_night_before() -> None:
    tuesdays = hours("22:00", "08:00", days=["Tue"])
    assert list(tuesdays.boundaries(WEDNESDAY)) == [datetime.fromisoformat("2026-06-03T08:00")]
