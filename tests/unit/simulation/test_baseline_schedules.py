import pytest
from embedding_operator.simulation.baselines import day_and_night, hourly_cron, static_peak
from embedding_operator.simulation.baselines.daily_plan import DailyPlan
from embedding_operator.simulation.baselines.day_and_night import DayAndNight
from embedding_operator.simulation.baselines.training import TrainingWeek

from tests.unit.simulation.views import A10, pool, view

T4 = "t4"
HOUR = 3600.0


def week(*by_hour: float, days: int = 7) -> TrainingWeek:
    minutes = [load for _ in range(days) for load in by_hour for _ in range(60)]
    return TrainingWeek(pool=A10, tokens_per_second=1000, load_by_minute=tuple(minutes))


QUIET_BUT_NOON = week(*(3.1 if hour == 12 else 0.5 for hour in range(24)))


def test_constants_are_those_of_their_sources() -> None:
    assert (static_peak.PERCENTILE, static_peak.UTILIZATION) == (99.9, 0.8)
    assert (hourly_cron.PERCENTILE, hourly_cron.UTILIZATION) == (99.0, 0.8)
    assert (day_and_night.DAY_REPLICAS, day_and_night.NIGHT_REPLICAS, day_and_night.DAY_HOURS) == (2, 1, 12)


def test_static_peak_keeps_what_the_peak_needed() -> None:
    policy = static_peak.static_peak(QUIET_BUT_NOON)
    assert policy.look(view(0, pool(replicas=1))) == {A10: 4}, "ceil(3.1 / 0.8)"
    assert policy.look(view(1e6, pool(replicas=4))) == {A10: 4}


def test_static_peak_forgives_one_minute_in_a_thousand() -> None:
    quiet = [1.0] * 10_000
    spikes = TrainingWeek(pool=A10, tokens_per_second=1, load_by_minute=(*quiet[10:], *[8.0] * 10))
    assert static_peak.static_peak(spikes).look(view(0, pool(replicas=1))) == {A10: 2}
    more = TrainingWeek(pool=A10, tokens_per_second=1, load_by_minute=(*quiet[11:], *[8.0] * 11))
    assert static_peak.static_peak(more).look(view(0, pool(replicas=1))) == {A10: 10}


def test_a_plan_stays_within_the_bounds_of_its_pool() -> None:
    policy = static_peak.static_peak(QUIET_BUT_NOON)
    assert policy.look(view(0, pool(replicas=1, high=3))) == {A10: 3}
    assert policy.look(view(0, pool(replicas=1, low=6))) == {A10: 6}


def test_hourly_cron_follows_the_hours_of_the_week_before() -> None:
    policy = hourly_cron.hourly_cron(QUIET_BUT_NOON)
    asked = [policy.look(view(hour * HOUR + 1, pool(replicas=1)))[A10] for hour in (11, 12, 13, 36)]
    assert asked == [1, 4, 1, 4]


def test_hourly_cron_can_order_early() -> None:
    policy = hourly_cron.hourly_cron(QUIET_BUT_NOON, ahead_seconds=300)
    asked = [
        policy.look(view(12 * HOUR + second, pool(replicas=1)))[A10] for second in (-301, -300, 0, 3300, 3599, 3600)
    ]
    assert asked == [1, 4, 4, 4, 4, 1]


def test_hourly_percentile_is_a_load_that_occurred() -> None:
    minutes = tuple(float(minute % 60) for minute in range(24 * 60 * 5))
    fitted = TrainingWeek(pool=A10, tokens_per_second=1, load_by_minute=minutes)
    # Of 300 minutes each load of 0 … 59 occurs five times: rank 297 is 59, rank 150 is 29.
    assert set(fitted.by_hour(percentile=99)) == {59.0}
    assert set(fitted.by_hour(percentile=50)) == {29.0}


def test_busiest_hours_wrap_around_midnight() -> None:
    loads = [0.0] * 24
    loads[23], loads[0], loads[1] = 2.0, 3.0, 1.0
    assert week(*loads).busiest_hours(2) == 23
    assert week(*loads).busiest_hours(1) == 0


def test_minutes_of_which_nothing_is_known_do_not_count() -> None:
    unknown = float("nan")
    day = [*[unknown] * 60, *[2.0] * 60, *[1.0] * (22 * 60)]
    fitted = TrainingWeek(pool=A10, tokens_per_second=1, load_by_minute=tuple(day))
    assert fitted.peak(percentile=100) == 2.0
    assert fitted.by_hour(percentile=99)[:3] == (0.0, 2.0, 1.0)
    assert fitted.busiest_hours(1) == 1


def test_less_than_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="load_by_minute: a plan needs at least one day, not 60 min"):
        TrainingWeek(pool=A10, tokens_per_second=1, load_by_minute=(1.0,) * 60)


@pytest.mark.parametrize(
    ("hours", "ahead", "problem"),
    [(23, 0.0, "a day has 24 hours, not 23"), (24, 3601.0, "3601 is not between 0 and one hour")],
)
def test_plans_that_make_no_sense_are_refused(hours: int, ahead: float, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        DailyPlan(replicas_by_hour=(1,) * hours, ahead_seconds=ahead)


@pytest.mark.parametrize(
    ("overlap", "at", "expected"),
    [
        pytest.param(0, 7.99, (0, 1), id="night"),
        pytest.param(0, 8.0, (2, 0), id="morning: the T4 is gone before the first A10 serves"),
        pytest.param(0, 19.99, (2, 0), id="day"),
        pytest.param(0, 20.0, (0, 1), id="evening"),
        pytest.param(0, 32.0, (2, 0), id="next morning"),
        pytest.param(600, 8.16, (2, 1), id="overlap in the morning"),
        pytest.param(600, 8.17, (2, 0), id="overlap is over"),
        pytest.param(600, 20.1, (2, 1), id="overlap in the evening"),
    ],
)
def test_two_pools_take_turns(overlap: float, at: float, expected: tuple[int, int]) -> None:
    plan = DayAndNight(day_pool=A10, night_pool=T4, day_starts=8, overlap_seconds=overlap)
    policy = day_and_night.day_and_night(plan)
    shown = view(at * HOUR, pool(A10, replicas=0, low=0), pool(T4, replicas=0, low=0))
    assert policy.look(shown) == {A10: expected[0], T4: expected[1]}
