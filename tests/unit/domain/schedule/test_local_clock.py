from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from embedding_operator.domain.schedule.local_clock import instant_of, local_time
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.schedule.zones import (
    HOUR,
    MINUTE,
    ODD_ZONES,
    WallClock,
    changes,
    changes_of_clocks,
    instants_near_changes,
    naive,
    utc,
    zones,
)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        pytest.param("UTC", "2026-03-29T02:30", "2026-03-29T02:30", id="no change of clocks"),
        pytest.param("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59", id="before a gap"),
        pytest.param("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00", id="the gap's begin"),
        pytest.param("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00", id="in the gap: the change itself"),
        pytest.param("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00", id="the gap's end"),
        pytest.param("Europe/Berlin", "2026-03-29T03:01", "2026-03-29T01:01", id="after the gap"),
        pytest.param("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30", id="repeated: the first occurrence"),
        pytest.param("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00", id="after the repetition"),
        pytest.param("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", id="half an hour skipped"),
        pytest.param("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", id="half an hour repeated"),
        pytest.param("America/Santiago", "2026-09-06T00:00", "2026-09-06T04:00", id="midnight skipped"),
        pytest.param("America/Sao_Paulo", "2018-11-04T00:30", "2018-11-04T03:00", id="midnight skipped, long ago"),
        pytest.param("America/St_Johns", "2010-11-07T00:00", "2010-11-07T02:30", id="midnight repeated"),
        pytest.param("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T10:00", id="a whole day skipped"),
        pytest.param("Africa/Casablanca", "2026-03-22T02:30", "2026-03-22T02:00", id="back after Ramadan"),
        pytest.param("Antarctica/Troll", "2026-03-29T02:30", "2026-03-29T01:00", id="two hours skipped"),
    ],
)
def test_every_local_time_has_one_instant(zone: str, local: str, instant: str) -> None:
    assert instant_of(datetime.fromisoformat(local), zone=ZoneInfo(zone)) == datetime.fromisoformat(f"{instant}+00:00")


def test_the_clock_stands_still_while_the_wall_clock_repeats_an_hour() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert local_time(utc(2026, 10, 25, 0, 59, 59), zone=berlin) == naive(2026, 10, 25, 2, 59, 59)
    for minute in (0, 17, 59):
        shown = local_time(utc(2026, 10, 25, 1, minute), zone=berlin)
        assert shown == naive(2026, 10, 25, 3) - timedelta.resolution
    assert local_time(utc(2026, 10, 25, 2), zone=berlin) == naive(2026, 10, 25, 3)


def test_now_may_come_in_any_zone() -> None:
    tokyo, berlin = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Berlin")
    now = utc(2026, 10, 25, 1, 30)
    assert local_time(now.astimezone(tokyo), zone=berlin) == local_time(now, zone=berlin)


def test_the_odd_zones_change_their_clocks_in_2026() -> None:
    assert all(len(changes(zone)) == 2 for zone in ODD_ZONES)


@pytest.mark.thorough
def test_both_changes_of_2026_in_every_zone_agree_with_the_wall_clock() -> None:
    for name, change in changes_of_clocks():
        zone = ZoneInfo(name)
        wall = WallClock(name, start=change - 6 * HOUR, end=change + 6 * HOUR)
        around = change.astimezone(zone).replace(tzinfo=None)
        for minutes in range(-150, 151, 15):
            now = change + minutes * MINUTE
            assert local_time(now, zone=zone).replace(second=0, microsecond=0) == wall.local_time(now), (name, now)
            local = around + minutes * MINUTE
            assert instant_of(local, zone=zone) == wall.instant_of(local), (name, local)


@given(data=st.data(), zone=zones(), distance=st.timedeltas(-26 * HOUR, 26 * HOUR))
def test_a_local_time_has_come_exactly_when_the_clock_has_reached_it(
    data: st.DataObject, zone: str, distance: timedelta
) -> None:
    now, clock = data.draw(instants_near_changes(zone)), ZoneInfo(zone)
    local = (now.replace(tzinfo=None) + distance).replace(second=0, microsecond=0)
    assert (instant_of(local, zone=clock) <= now) == (local <= local_time(now, zone=clock))


@given(data=st.data(), zone=zones(), step=st.timedeltas(timedelta(0), 26 * HOUR))
def test_both_directions_are_monotone(data: st.DataObject, zone: str, step: timedelta) -> None:
    now, clock = data.draw(instants_near_changes(zone)), ZoneInfo(zone)
    assert local_time(now, zone=clock) <= local_time(now + step, zone=clock)
    local = now.replace(tzinfo=None)
    assert instant_of(local, zone=clock) <= instant_of(local + step, zone=clock)


@given(year=st.integers(1970, 2037), zone=zones())
def test_no_change_of_another_year_is_special(year: int, zone: str) -> None:
    clock = ZoneInfo(zone)
    for change in changes(zone, year=year):
        wall = WallClock(zone, start=change - 60 * HOUR, end=change + 60 * HOUR)
        around = change.astimezone(clock).replace(tzinfo=None, second=0)
        for half_hour in range(-50, 51):
            local = around + half_hour * 30 * MINUTE
            assert abs(instant_of(local, zone=clock) - wall.instant_of(local)) < MINUTE
