"""The windows of the next days: in the time zone of the schedule, also across a change of the clocks."""

import itertools
from datetime import UTC, datetime, timedelta

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.cli.coming_week import stretches, week_told
from embedding_operator.domain.schedule.bounds import ClusterSchedule

from tests.unit.cli.services import A10, NIGHT, T4, service

FRIDAY = datetime(2026, 10, 23, 10, 30, tzinfo=UTC)
"""European clocks go back in the night to Sunday."""

SCHEDULE = {
    "timeZone": "Europe/Berlin",
    "windows": [
        NIGHT,
        {"name": "weekend", "days": ["Sun"], "start": "08:00", "end": "20:00", "asleep": True, "priority": 1},
    ],
}

TOLD = """\
queries: windows from Fri 2026-10-23 12:30 +02:00 to Mon 2026-10-26 11:30 +01:00, Europe/Berlin

  from                             for  window              replicas
  Fri 2026-10-23 12:30 +02:00   9 h 30  -                   a10 1 to 6, t4 0 to 4
  Fri 2026-10-23 22:00 +02:00      8 h  night               t4 0 to 2
  Sat 2026-10-24 06:00 +02:00     16 h  -                   a10 1 to 6, t4 0 to 4
  Sat 2026-10-24 22:00 +02:00      9 h  night               t4 0 to 2
  Sun 2026-10-25 06:00 +01:00      2 h  -                   a10 1 to 6, t4 0 to 4
  Sun 2026-10-25 08:00 +01:00     12 h  weekend             none, asleep
  Sun 2026-10-25 20:00 +01:00      2 h  -                   a10 1 to 6, t4 0 to 4
  Sun 2026-10-25 22:00 +01:00      8 h  night               t4 0 to 2
  Mon 2026-10-26 06:00 +01:00   5 h 30  -                   a10 1 to 6, t4 0 to 4

8 changes. Where the window is "-", spec.pools applies.
"""


def spec(**further: object) -> EmbeddingServiceSpec:
    return EmbeddingServiceSpec.model_validate(service(**further)["spec"])


def test_windows_stand_in_local_time_and_in_order() -> None:
    found = stretches(spec(pools=[A10, T4], schedule=SCHEDULE), begin=FRIDAY, end=FRIDAY + timedelta(days=3))
    assert week_told(found, name="queries") == TOLD


def test_stretches_follow_each_other_without_a_gap() -> None:
    end = FRIDAY + timedelta(days=30)
    found = stretches(spec(pools=[A10, T4], schedule=SCHEDULE), begin=FRIDAY, end=end)
    assert (found[0].begin, found[-1].end) == (FRIDAY, end)
    assert all(before.end == after.begin for before, after in itertools.pairwise(found))
    assert all(before.window != after.window for before, after in itertools.pairwise(found))


def test_without_a_schedule_spec_pools_holds_all_the_time() -> None:
    (only,) = stretches(spec(), begin=FRIDAY, end=FRIDAY + timedelta(days=7))
    assert (only.window, only.asleep, only.end - only.begin) == (None, False, timedelta(days=7))


def test_the_schedule_of_an_admin_is_named() -> None:
    enforced = ClusterSchedule(
        name="nights",
        spec=ScalingScheduleSpec.model_validate(
            {"timeZone": "Asia/Shanghai", "windows": [NIGHT], "enforcement": "Enforce"}
        ),
    )
    found = stretches(
        spec(pools=[A10, T4], schedule=SCHEDULE), cluster=[enforced], begin=FRIDAY, end=FRIDAY + timedelta(days=1)
    )

    first, *_ = week_told(found, name="queries", not_selecting=["ads"]).splitlines()
    assert first.endswith("Asia/Shanghai, by ScalingSchedule/nights")
    assert {each.source for each in found} == {"ScalingSchedule/nights"}
    assert week_told(found, name="queries", not_selecting=["ads"]).splitlines()[-1] == (
        "ScalingSchedule ads in the file does not select the service: see its selectors."
    )
