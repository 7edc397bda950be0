"""Which schedule is in force for a service, and what it allows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from embedding_operator.api.structural import structural_schema
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.domain.observation import Allowance, Bounds
from embedding_operator.domain.schedule.bounds import ClusterSchedule, bounds_in_force, schedule_state, selects
from embedding_operator.domain.schedule.timetable import WindowState
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.api.from_schema import accepted_by
from tests.world.builders import NOON, ScheduleBuilder, ServiceBuilder, scaling_schedule, service

HOUR = timedelta(hours=1)
MIDNIGHT = NOON - 12 * HOUR
TWO_POOLS = service().on("a10", minimum=1, maximum=6).on("t4", maximum=8)


def cluster(schedule: ScheduleBuilder) -> ClusterSchedule:
    return ClusterSchedule(name=schedule.name, spec=schedule.spec())


def at_noon(built: ServiceBuilder, *schedules: ScheduleBuilder) -> Bounds:
    return bounds_in_force(built.spec(), cluster=[cluster(schedule) for schedule in schedules], now=NOON)


def allowed(bounds: Bounds) -> list[tuple[str, int, int]]:
    return [(each.pool, each.min_replicas, each.max_replicas) for each in bounds.pools]


def always(name: str, *, enforcement: str = "Default", priority: int = 0, **pools: tuple[int, int]) -> ScheduleBuilder:
    """Return a schedule with one window that never closes."""
    built = scaling_schedule(name).having(enforcement=enforcement, priority=priority)
    return built.window("always", "00:00", "24:00", **pools)


class TestOwnSchedule:
    def test_none_allows_the_pools_of_the_spec_in_their_order(self) -> None:
        assert at_noon(TWO_POOLS) == Bounds(
            pools=(
                Allowance(pool="a10", min_replicas=1, max_replicas=6),
                Allowance(pool="t4", min_replicas=0, max_replicas=8),
            )
        )

    def test_an_open_window_allows_its_pools_only(self) -> None:
        bounds = at_noon(TWO_POOLS.window("midday", "11:00", "14:00", t4=(1, 4)))
        assert bounds == Bounds(
            pools=(Allowance(pool="t4", min_replicas=1, max_replicas=4),),
            source="EmbeddingService",
            window="midday",
            since=NOON - HOUR,
            next_window=None,
            next_transition=NOON + 2 * HOUR,
            upcoming=(
                Allowance(pool="a10", min_replicas=1, max_replicas=6),
                Allowance(pool="t4", min_replicas=0, max_replicas=8),
            ),
        )

    def test_between_windows_the_pools_of_the_spec_count(self) -> None:
        bounds = at_noon(TWO_POOLS.window("night", "22:00", "08:00", t4=(1, 4)))
        assert allowed(bounds) == [("a10", 1, 6), ("t4", 0, 8)]
        assert (bounds.source, bounds.window, bounds.next_window) == ("EmbeddingService", None, "night")
        assert (bounds.since, bounds.next_transition) == (NOON - 4 * HOUR, NOON + 10 * HOUR)

    def test_a_window_may_prefer_another_pool_than_the_spec(self) -> None:
        assert allowed(at_noon(TWO_POOLS.window("cheap", "00:00", "24:00", t4=(0, 8), a10=(0, 2)))) == [
            ("t4", 0, 8),
            ("a10", 0, 2),
        ]

    def test_asleep_allows_nothing(self) -> None:
        bounds = at_noon(TWO_POOLS.window("closed", "00:00", "24:00"))
        assert (bounds.pools, bounds.asleep, bounds.window) == ((), True, "closed")

    def test_the_time_zone_of_the_schedule_counts(self) -> None:
        built = TWO_POOLS.window("evening", "19:30", "21:00", t4=(1, 4))
        assert at_noon(built).window is None
        assert at_noon(built.in_zone("Asia/Shanghai")).window == "evening"


class TestPrecedence:
    own = TWO_POOLS.window("own", "00:00", "24:00", a10=(1, 1))

    @pytest.mark.parametrize(
        ("built", "schedules", "source"),
        [
            pytest.param(own, [always("d", a10=(2, 2))], "EmbeddingService", id="own before Default"),
            pytest.param(
                own, [always("e", enforcement="Enforce", a10=(2, 2))], "ScalingSchedule/e", id="Enforce before own"
            ),
            pytest.param(TWO_POOLS, [always("d", a10=(2, 2))], "ScalingSchedule/d", id="Default where there is no own"),
            pytest.param(
                TWO_POOLS,
                [always("d", priority=9, a10=(2, 2)), always("e", enforcement="Enforce", a10=(3, 3))],
                "ScalingSchedule/e",
                id="Enforce before a Default of higher priority",
            ),
            pytest.param(
                TWO_POOLS,
                [always("a", a10=(2, 2)), always("b", priority=1, a10=(3, 3))],
                "ScalingSchedule/b",
                id="higher priority",
            ),
            pytest.param(
                TWO_POOLS, [always("b", a10=(2, 2)), always("a", a10=(3, 3))], "ScalingSchedule/a", id="first name"
            ),
        ],
    )
    def test_the_first_in_order_is_in_force(
        self, built: ServiceBuilder, schedules: list[ScheduleBuilder], source: str
    ) -> None:
        for order in permutations(schedules):
            bounds = at_noon(built, *order)
            assert (bounds.source, bounds.problem) == (source, None)

    def test_a_schedule_in_force_without_an_open_window_falls_back_to_the_spec_not_to_the_next_schedule(self) -> None:
        enforced = scaling_schedule("e").having(enforcement="Enforce").window("night", "22:00", "08:00", t4=(1, 4))
        bounds = at_noon(self.own, enforced)
        assert (bounds.source, bounds.window) == ("ScalingSchedule/e", None)
        assert allowed(bounds) == [("a10", 1, 6), ("t4", 0, 8)]


class TestPoolsInCommon:
    def test_pools_that_the_service_does_not_list_are_skipped(self) -> None:
        bounds = at_noon(TWO_POOLS, always("d", h100=(1, 2), t4=(1, 4)))
        assert allowed(bounds) == [("t4", 1, 4)]
        assert bounds.problem is None

    def test_the_bounds_of_an_admin_count_as_written_even_above_those_of_the_service(self) -> None:
        assert allowed(at_noon(TWO_POOLS, always("d", a10=(8, 20)))) == [("a10", 8, 20)]

    def test_a_window_without_a_common_pool_is_as_if_it_never_opened_and_is_reported(self) -> None:
        schedule = (
            scaling_schedule("d")
            .window("foreign", "00:00", "24:00", h100=(1, 2))
            .window("t4", "18:00", "20:00", t4=(1, 4))
        )
        bounds = at_noon(TWO_POOLS, schedule)
        assert (bounds.source, bounds.window, bounds.problem) == ("ScalingSchedule/d", None, Reason.NO_COMMON_POOL)
        assert (bounds.next_window, bounds.next_transition) == ("t4", NOON + 6 * HOUR)
        assert bounds.since == MIDNIGHT - 4 * HOUR

    def test_a_window_without_a_common_pool_does_not_lift_the_limits_of_an_enforced_schedule(self) -> None:
        """The service lists a10 up to 6; its admin allows 2 by day and means to move it to t4 at night."""
        lists_a10 = service().on("a10", minimum=1, maximum=6)
        schedule = (
            scaling_schedule("e")
            .having(enforcement="Enforce")
            .window("day", "08:00", "22:00", a10=(1, 2))
            .window("evening", "18:00", "22:00", a10=(0, 4))
            .window("night", "22:00", "08:00", t4=(1, 4))
        )
        by_night = bounds_in_force(lists_a10.spec(), cluster=[cluster(schedule)], now=NOON + 11 * HOUR)
        assert allowed(by_night) == [("a10", 0, 2)]
        assert (by_night.window, by_night.problem) == ("night", Reason.NO_COMMON_POOL)
        assert by_night.next_window == "day"
        assert by_night.upcoming == (Allowance(pool="a10", min_replicas=1, max_replicas=2),)
        by_day = bounds_in_force(lists_a10.spec(), cluster=[cluster(schedule)], now=NOON)
        assert (allowed(by_day), by_day.window, by_day.problem) == ([("a10", 1, 2)], "day", None)

    def test_where_the_other_windows_only_sleep_the_bounds_of_the_service_apply(self) -> None:
        schedule = (
            scaling_schedule("e")
            .having(enforcement="Enforce")
            .window("night", "22:00", "08:00")
            .window("day", "08:00", "22:00", h100=(1, 4))
        )
        bounds = at_noon(TWO_POOLS, schedule)
        assert (bounds.pools, bounds.asleep) == (at_noon(TWO_POOLS).pools, False)
        assert (bounds.window, bounds.problem) == ("day", Reason.NO_COMMON_POOL)

    def test_a_schedule_without_any_common_pool_does_not_apply(self) -> None:
        assert at_noon(TWO_POOLS, always("d", h100=(1, 2))) == Bounds(
            pools=at_noon(TWO_POOLS).pools, problem=Reason.NO_COMMON_POOL
        )

    def test_the_next_schedule_takes_the_place_of_one_that_does_not_apply(self) -> None:
        foreign = always("e", enforcement="Enforce", priority=1, h100=(1, 2))
        own = at_noon(TestPrecedence.own, foreign)
        assert (own.source, own.problem) == ("EmbeddingService", Reason.NO_COMMON_POOL)
        enforced = at_noon(TestPrecedence.own, foreign, always("f", enforcement="Enforce", t4=(1, 1)))
        assert (enforced.source, enforced.problem) == ("ScalingSchedule/f", Reason.NO_COMMON_POOL)

    def test_an_asleep_window_needs_no_common_pool(self) -> None:
        bounds = at_noon(TWO_POOLS, always("d"))
        assert (bounds.asleep, bounds.problem) == (True, None)


class TestSelection:
    labels: Mapping[str, str] = {"team": "search", "tier": "gold"}

    @pytest.mark.parametrize(
        ("selector", "selected"),
        [
            ({}, True),
            ({"matchLabels": {"team": "search"}}, True),
            ({"matchLabels": {"team": "search", "tier": "silver"}}, False),
            ({"matchLabels": {"zone": "eu"}}, False),
            ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold", "silver"]}]}, True),
            ({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["eu"]}]}, False),
            ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gold"]}]}, False),
            ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["eu"]}]}, True),
            ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
            ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
            (
                {
                    "matchLabels": {"team": "search"},
                    "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}],
                },
                False,
            ),
        ],
    )
    def test_by_labels_as_kubernetes_does(self, selector: dict[str, Any], selected: bool) -> None:  # noqa: FBT001
        by_service = always("d", a10=(1, 1)).having(serviceSelector=selector).spec()
        assert selects(by_service, service_labels=self.labels, namespace_labels={}) is selected
        by_namespace = always("d", a10=(1, 1)).having(namespaceSelector=selector).spec()
        assert selects(by_namespace, service_labels={}, namespace_labels=self.labels) is selected

    def test_needs_both_the_service_and_its_namespace(self) -> None:
        selector = {"matchLabels": {"team": "search"}}
        spec = always("d", a10=(1, 1)).having(serviceSelector=selector, namespaceSelector=selector).spec()
        assert selects(spec, service_labels=self.labels, namespace_labels=self.labels)
        assert not selects(spec, service_labels=self.labels, namespace_labels={})
        assert not selects(spec, service_labels={}, namespace_labels=self.labels)


def test_the_standing_of_a_schedule_is_that_of_its_own_windows() -> None:
    spec = scaling_schedule().window("midday", "11:00", "14:00", h100=(1, 2)).spec()
    assert schedule_state(spec, now=NOON) == WindowState(
        active_window="midday", since=NOON - HOUR, next_window=None, next_transition=NOON + 2 * HOUR
    )


bounds_of_a_pool = st.tuples(st.integers(0, 3), st.integers(3, 6))


@given(
    data=st.data(),
    hours=st.lists(st.tuples(st.integers(0, 23), st.integers(0, 23)), min_size=1, max_size=4),
    enforcement=st.sampled_from(["Default", "Enforce"]),
)
def test_whatever_is_allowed_is_listed_by_the_service_and_stays_until_the_next_transition(
    data: st.DataObject, hours: list[tuple[int, int]], enforcement: str
) -> None:
    schedule = scaling_schedule().having(enforcement=enforcement)
    for number, (start, end) in enumerate(hours):
        pools = data.draw(st.dictionaries(st.sampled_from(["a10", "t4", "h100"]), bounds_of_a_pool))
        schedule = schedule.window(f"w{number}", f"{start:02}:00", f"{end:02}:30", **pools)
    bounds = at_noon(TWO_POOLS, schedule)

    assert {each.pool for each in bounds.pools} <= {"a10", "t4"}
    assert bounds.asleep == (not bounds.pools)
    if bounds.next_transition is not None:
        later = bounds.next_transition - timedelta.resolution
        then = bounds_in_force(TWO_POOLS.spec(), cluster=[cluster(schedule)], now=later)
        # A window that is not usable may open and close meanwhile, which changes only what is reported.
        assert replace(then, problem=None) == replace(bounds, problem=None)


any_service = accepted_by(structural_schema(EmbeddingServiceSpec))
any_schedule = accepted_by(structural_schema(ScalingScheduleSpec))


@pytest.mark.thorough
@given(written=any_service, schedules=st.lists(any_schedule, max_size=2), days=st.integers(-4000, 4000))
def test_whatever_the_schema_accepts_has_bounds(
    written: dict[str, Any], schedules: list[dict[str, Any]], days: int
) -> None:
    """Objects that are older than a rule may break it; they still have a meaning."""
    spec = EmbeddingServiceSpec.model_validate(written)
    selecting = [
        ClusterSchedule(name=f"s{number}", spec=ScalingScheduleSpec.model_validate(each))
        for number, each in enumerate(schedules)
    ]
    bounds = bounds_in_force(spec, cluster=selecting, now=NOON + timedelta(days=days))
    assert bounds.asleep != bool(bounds.pools)
