"""Which window wins in a schedule. Invariant 10: one winner at every instant, the next transition real and ahead."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from embedding_operator.api.v1alpha1.schedule import Window
from embedding_operator.domain.schedule.timetable import Timetable, WindowState
from embedding_operator.domain.schedule.windows import WindowHours
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.schedule.zones import (
    DAY,
    HOUR,
    ODD_ZONES,
    QUARTER,
    WallClock,
    changes_of_clocks,
    instants_near_changes,
    utc,
    zones,
)


def window(name: str, start: str, end: str, **fields: Any) -> Window:
    return Window.model_validate({"name": name, "start": start, "end": end, "asleep": True, **fields})


def timetable(*windows: Window, zone: str = "UTC") -> Timetable:
    return Timetable.of(windows, zone=ZoneInfo(zone))


def at(moment: str) -> datetime:
    """Read a time with its offset, UTC if it has none."""
    instant = datetime.fromisoformat(moment)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=utc(2026, 1, 1).tzinfo)


def transitions(table: Timetable, *, start: datetime, end: datetime) -> list[tuple[datetime, str | None]]:
    """Return every change of the winner in (`start`, `end`], and the winner from then on."""
    return list(_transitions(table, start=start, end=end))


def _transitions(table: Timetable, *, start: datetime, end: datetime) -> Iterator[tuple[datetime, str | None]]:
    state = table.state(start)
    while state.next_transition is not None and state.next_transition <= end:
        yield state.next_transition, state.next_window
        state = table.state(state.next_transition)


DAY_AND_NIGHT = (window("day", "08:00", "22:00"), window("night", "22:00", "08:00"))


class TestStanding:
    def test_in_the_night_example(self) -> None:
        shanghai = timetable(window("night", "22:00", "08:00"), zone="Asia/Shanghai")
        assert shanghai.state(at("2026-06-03T23:30+08:00")) == WindowState(
            active_window="night",
            since=at("2026-06-03T22:00+08:00"),
            next_window=None,
            next_transition=at("2026-06-04T08:00+08:00"),
        )

    def test_of_the_base_between_two_nights(self) -> None:
        assert timetable(window("night", "22:00", "08:00")).state(at("2026-06-03T12:00")) == WindowState(
            active_window=None,
            since=at("2026-06-03T08:00"),
            next_window="night",
            next_transition=at("2026-06-03T22:00"),
        )

    def test_at_a_boundary_belongs_to_what_begins(self) -> None:
        state = timetable(*DAY_AND_NIGHT).state(at("2026-06-03T22:00"))
        assert (state.active_window, state.since) == ("night", at("2026-06-03T22:00"))

    def test_of_a_window_that_never_closes(self) -> None:
        always = timetable(window("always", "00:00", "24:00"))
        assert always.state(at("2026-06-03T12:00")) == WindowState(
            active_window="always", since=None, next_window=None, next_transition=None
        )

    def test_of_a_window_that_opens_once(self) -> None:
        once = timetable(window("launch", "09:00", "18:00", dates=["2026-06-03"]))
        assert once.state(at("2026-06-03T12:00")) == WindowState(
            active_window="launch",
            since=at("2026-06-03T09:00"),
            next_window=None,
            next_transition=at("2026-06-03T18:00"),
        )

    def test_of_a_window_whose_dates_are_over(self) -> None:
        past = timetable(window("launch", "09:00", "18:00", dates=["2020-02-29"]))
        assert past.state(at("2026-06-03T12:00")) == WindowState(
            active_window=None, since=at("2020-02-29T18:00"), next_window=None, next_transition=None
        )

    def test_of_a_window_years_ahead(self) -> None:
        future = timetable(window("leap", "09:00", "18:00", dates=["2032-02-29"]))
        assert future.state(at("2026-06-03T12:00")) == WindowState(
            active_window=None, since=None, next_window="leap", next_transition=at("2032-02-29T09:00")
        )

    def test_of_the_last_day_that_can_be_named(self) -> None:
        last = timetable(window("last", "22:00", "21:59", dates=["2999-12-31"]))
        assert last.state(at("3000-01-01T12:00")).next_transition == at("3000-01-01T21:59")

    def test_looks_past_a_month_of_excepted_days(self) -> None:
        holidays = [str(date(2026, 8, 1) + number * DAY) for number in range(31)]
        office = timetable(window("office", "09:00", "18:00", days=["Mon", "Wed"], exceptDates=holidays))
        state = office.state(at("2026-08-10T12:00"))
        assert (state.since, state.next_transition) == (at("2026-07-29T18:00"), at("2026-09-02T09:00"))

    def test_looks_past_the_week_whose_window_a_change_of_the_clocks_swallows(self) -> None:
        sundays = timetable(window("sunday", "02:10", "02:50", days=["Sun"]), zone="Europe/Berlin")
        state = sundays.state(at("2026-03-23T12:00"))
        assert state.next_transition == at("2026-04-05T02:10+02:00")
        assert state.since == at("2026-03-22T02:50+01:00")
        assert sundays.state(at("2026-04-01T12:00")).since == at("2026-03-22T02:50+01:00")

    def test_of_adjoining_openings_is_one(self) -> None:
        weekend = timetable(window("weekend", "00:00", "24:00", days=["Sat", "Sun"]))
        state = weekend.state(at("2026-06-07T12:00"))
        assert (state.since, state.next_transition) == (at("2026-06-06T00:00"), at("2026-06-08T00:00"))


class TestTies:
    def test_the_highest_priority_wins(self) -> None:
        table = timetable(window("a", "00:00", "24:00"), window("b", "12:00", "13:00", priority=1))
        assert transitions(table, start=at("2026-06-03T10:00"), end=at("2026-06-03T23:00")) == [
            (at("2026-06-03T12:00"), "b"),
            (at("2026-06-03T13:00"), "a"),
        ]

    def test_among_equals_the_first_name_wins_in_whatever_order_they_stand(self) -> None:
        first, second = window("alpha", "08:00", "12:00"), window("beta", "08:00", "14:00")
        for table in (timetable(first, second), timetable(second, first)):
            winner = table.winner(at("2026-06-03T09:00"))
            assert winner is not None
            assert winner.name == "alpha"

    def test_a_loser_that_opens_and_closes_changes_nothing(self) -> None:
        table = timetable(window("a", "08:00", "20:00", priority=5), window("b", "12:00", "13:00"))
        state = table.state(at("2026-06-03T12:30"))
        assert (state.since, state.next_transition) == (at("2026-06-03T08:00"), at("2026-06-03T20:00"))

    def test_a_lower_window_returns_when_the_higher_one_closes(self) -> None:
        table = timetable(window("a", "08:00", "20:00"), window("peak", "12:00", "13:00", priority=1))
        assert table.state(at("2026-06-03T15:00")).since == at("2026-06-03T13:00")


class TestWhereCronSchedulersFail:
    """A pair of cron expressions, as in KEDA's cron scaler, gets each of these cases wrong."""

    def test_a_window_that_starts_in_the_spring_gap_lasts_six_hours_not_thirty(self) -> None:
        table = timetable(window("morning", "02:30", "09:00"), zone="Europe/Berlin")
        assert transitions(table, start=at("2026-03-28T12:00"), end=at("2026-03-29T12:00")) == [
            (at("2026-03-29T01:00"), "morning"),
            (at("2026-03-29T07:00"), None),
        ]

    def test_a_window_that_ends_in_the_spring_gap_is_not_missed(self) -> None:
        table = timetable(window("late", "22:00", "02:30"), zone="America/New_York")
        assert transitions(table, start=at("2026-03-07T12:00"), end=at("2026-03-08T12:00")) == [
            (at("2026-03-07T22:00-05:00"), "late"),
            (at("2026-03-08T03:00-04:00"), None),
        ]

    def test_a_window_opens_once_where_the_hour_is_repeated(self) -> None:
        table = timetable(window("early", "01:30", "05:00"), zone="America/New_York")
        assert transitions(table, start=at("2026-10-31T12:00"), end=at("2026-11-01T12:00")) == [
            (at("2026-11-01T01:30-04:00"), "early"),
            (at("2026-11-01T05:00-05:00"), None),
        ]

    def test_two_windows_within_the_repeated_hour_do_not_alternate(self) -> None:
        table = timetable(window("a", "01:30", "01:45"), window("b", "01:45", "12:00"), zone="America/New_York")
        assert transitions(table, start=at("2026-10-31T17:00"), end=at("2026-11-01T17:00")) == [
            (at("2026-11-01T01:30-04:00"), "a"),
            (at("2026-11-01T01:45-04:00"), "b"),
            (at("2026-11-01T12:00-05:00"), None),
        ]

    def test_a_window_within_the_gap_does_not_exist_that_day(self) -> None:
        table = timetable(window("brief", "02:10", "02:50"), zone="Europe/Berlin")
        assert transitions(table, start=at("2026-03-28T12:00"), end=at("2026-03-30T12:00")) == [
            (at("2026-03-30T02:10+02:00"), "brief"),
            (at("2026-03-30T02:50+02:00"), None),
        ]

    def test_a_skipped_midnight_begins_the_day_when_the_clocks_change(self) -> None:
        table = timetable(window("sunday", "00:00", "24:00", days=["Sun"]), zone="America/Santiago")
        assert transitions(table, start=at("2026-09-05T12:00"), end=at("2026-09-08T12:00")) == [
            (at("2026-09-06T01:00-03:00"), "sunday"),
            (at("2026-09-07T00:00-03:00"), None),
        ]

    def test_a_day_that_the_calendar_skipped_has_no_window(self) -> None:
        friday = window("friday", "08:00", "20:00", days=["Fri"])
        assert transitions(
            timetable(friday, zone="Pacific/Apia"), start=at("2011-12-25T12:00"), end=at("2012-01-06T12:00")
        ) == [(at("2012-01-06T08:00+14:00"), "friday"), (at("2012-01-06T20:00+14:00"), None)]

    def test_a_night_over_the_skipped_day_is_one_night(self) -> None:
        table = timetable(*DAY_AND_NIGHT, zone="Pacific/Apia")
        assert transitions(table, start=at("2011-12-29T22:00"), end=at("2011-12-31T00:00")) == [
            (at("2011-12-29T22:00-10:00"), "night"),
            (at("2011-12-31T08:00+14:00"), "day"),
        ]


@pytest.mark.parametrize("cancelled", [True, False], ids=["all are exceptions too", "all lie in the past"])
def test_days_that_change_nothing_are_not_searched(monkeypatch: pytest.MonkeyPatch, cancelled: bool) -> None:  # noqa: FBT001
    """31 windows of 400 dates each, 18 days apart: the search visits the weeks around now, and not 20 years."""
    asked = 0
    boundaries = WindowHours.boundaries

    def counted(hours: WindowHours, day: date) -> Iterator[datetime]:
        nonlocal asked
        asked += 1
        return boundaries(hours, day)

    monkeypatch.setattr(WindowHours, "boundaries", counted)
    first = date(2026, 6, 20) if cancelled else date(2006, 1, 1)
    days = [[(first + DAY * (each + 18 * number)).isoformat() for number in range(400)] for each in range(31)]
    windows = [
        window(f"w{each}", "10:00", "11:00", dates=dates, exceptDates=dates if cancelled else [])
        for each, dates in enumerate(days)
    ]
    state = timetable(*windows).state(at("2026-06-03T12:00"))
    assert (state.active_window, state.next_transition) == (None, None)
    assert (state.since is None) is cancelled
    assert asked <= len(windows) * 80


class Definition:
    """Reference semantics of windows: intervals of instants found by reading the wall clock."""

    def __init__(self, windows: Sequence[Window], *, zone: str, start: datetime, end: datetime) -> None:
        wall = WallClock(zone, start=start, end=end, every=QUARTER)
        days = [start.date() + number * DAY for number in range(-3, (end - start).days + 4)]
        self.intervals = [
            (wall.instant_of(opens), wall.instant_of(closes), each)
            for each in windows
            for day in days
            if _opens(each, day=day)
            for opens, closes in [_interval(each, day=day)]
        ]

    def open_at(self, now: datetime) -> list[str]:
        """Return the names of the open windows, the winner first."""
        opened = [each for begin, end, each in self.intervals if begin <= now < end]
        return [each.name for each in sorted(opened, key=lambda each: (-each.priority, each.name))]

    def winner(self, now: datetime) -> str | None:
        return next(iter(self.open_at(now)), None)

    def transitions(self) -> list[tuple[datetime, str | None]]:
        """Return all instants at which the winner changes, and the winner from then on."""
        moments = sorted({moment for begin, end, _ in self.intervals for moment in (begin, end)})
        winners = [(moment, self.winner(moment)) for moment in moments]
        before = [None, *(winner for _, winner in winners)]
        return [step for step, previous in zip(winners, before, strict=False) if step[1] != previous]


def _opens(each: Window, *, day: date) -> bool:
    weekdays = [weekday.value for weekday in each.days]
    always = not each.days and not each.dates
    return (always or f"{day:%a}" in weekdays or day in each.dates) and day not in each.except_dates


def _interval(each: Window, *, day: date) -> tuple[datetime, datetime]:
    midnight = datetime.combine(day, time.min)
    opens = datetime.combine(day, time.fromisoformat(each.start))
    closes = midnight + DAY if each.end == "24:00" else datetime.combine(day, time.fromisoformat(each.end))
    return opens, closes if closes > opens else closes + DAY


def _day_and_night(change: datetime, *, zone: str) -> Sequence[Window]:
    """Return two windows that meet within the skipped or repeated time, or at noon if both ends are the same."""
    dusk = f"{change.astimezone(ZoneInfo(zone)) - QUARTER:%H:%M}"
    return window("day", "12:00", dusk), window("night", dusk, "12:00")


@pytest.mark.thorough
def test_day_and_night_tile_time_at_both_changes_of_2026_in_every_zone() -> None:
    assert len(changes_of_clocks()) > 30
    for zone, change in changes_of_clocks():
        windows = _day_and_night(change, zone=zone)
        table = timetable(*windows, zone=zone)
        start, end = change - 20 * HOUR, change + 20 * HOUR
        expected = Definition(windows, zone=zone, start=change - 30 * HOUR, end=change + 30 * HOUR)
        inside = [step for step in expected.transitions() if start < step[0] <= end]
        assert transitions(table, start=start, end=end) == inside, zone
        assert {winner for _, winner in inside} == {"day", "night"}
        for hour in range(40):
            now = start + hour * HOUR
            assert expected.open_at(now) == [table.state(now).active_window], (zone, now)


clock_times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
dates = st.lists(st.integers(-4, 4), max_size=3, unique=True)


@st.composite
def windows_around(draw: st.DrawFn, centre: datetime) -> list[Window]:
    count = draw(st.integers(1, 4))
    drawn = []
    for number in range(count):
        start, end = draw(clock_times), draw(clock_times | st.just("24:00"))
        fields = {
            "days": draw(st.lists(st.sampled_from(["Mon", "Wed", "Sat", "Sun"]), max_size=3, unique=True)),
            "dates": [str(centre.date() + day * DAY) for day in draw(dates)],
            "exceptDates": [str(centre.date() + day * DAY) for day in draw(dates)],
            "priority": draw(st.integers(-1, 1)),
        }
        drawn.append(window(f"w{number}", start, end, **fields))
    return drawn


@given(data=st.data(), zone=zones() | st.sampled_from(ODD_ZONES))
def test_invariant_10_every_instant_has_the_winner_that_the_definition_gives(data: st.DataObject, zone: str) -> None:
    now = data.draw(instants_near_changes(zone))
    windows = data.draw(windows_around(now))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    expected = Definition(windows, zone=zone, start=midnight - 11 * DAY, end=midnight + 11 * DAY)
    start, end = midnight - 8 * DAY, midnight + 8 * DAY
    state = timetable(*windows, zone=zone).state(now)

    assert state.active_window == expected.winner(now)
    found = expected.transitions()
    past = [moment for moment, _ in found if start < moment <= now]
    assert state.since == past[-1] if past else state.since is None or state.since <= start
    ahead = [step for step in found if now < step[0] < end]
    if ahead:
        assert (state.next_transition, state.next_window) == ahead[0]
    else:
        assert state.next_transition is None or state.next_transition >= end


@given(data=st.data(), zone=zones())
def test_invariant_10_a_transition_is_ahead_real_and_the_only_one_on_the_way(data: st.DataObject, zone: str) -> None:
    now = data.draw(instants_near_changes(zone))
    table = timetable(*data.draw(windows_around(now)), zone=zone)
    state = table.state(now)
    if state.next_transition is None:
        assert state.next_window is None
        return
    assert state.next_transition > now
    assert state.next_window != state.active_window
    between = now + data.draw(st.floats(0, 0.999)) * (state.next_transition - now)
    assert table.state(between) == state
    assert table.state(state.next_transition).since == state.next_transition


@given(data=st.data(), zone=zones())
def test_a_jump_of_the_clock_changes_nothing_but_the_answer(data: st.DataObject, zone: str) -> None:
    now = data.draw(instants_near_changes(zone))
    table = timetable(*data.draw(windows_around(now)), zone=zone)
    jumps = data.draw(st.lists(st.timedeltas(-2 * DAY, 2 * DAY), min_size=1, max_size=5))
    undisturbed = [table.state(now + jump) for jump in sorted(jumps)]
    assert [table.state(now + jump) for jump in sorted(jumps, reverse=True)] == undisturbed[::-1]
