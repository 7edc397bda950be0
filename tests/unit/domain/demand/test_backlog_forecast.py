"""How far decisions look ahead: until the requested replicas are Ready."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from embedding_operator.domain.demand.backlog_forecast import Outlook, outlook
from embedding_operator.domain.memory import RequirementBucket
from embedding_operator.domain.observation import Pool, Replica

from tests.world.observations import A10, at, bounds, observe, pool

STARTUP_FACTOR = {"a10": 120.0, "t4": 60.0}
ALLOWED = bounds(("a10", 1, 9), ("t4", 0, 9))


def starting(*ages: float, missing: int = 0, name: str = "a10") -> Pool:
    pods = tuple(Replica(uid=f"{age}", name=f"{age}", created_at=at(-age)) for age in ages)
    return Pool(name=name, replicas=len(pods) + missing, tokens_per_second=A10, pods=pods)


def look(*pools: Pool, buckets: Sequence[RequirementBucket] = ()) -> Outlook:
    known = {each.name for each in pools}
    others = [pool(name) for name in STARTUP_FACTOR if name not in known]
    leading = [replace(each, startup_seconds=STARTUP_FACTOR[each.name]) for each in (*pools, *others)]
    return outlook(observe(*leading, allowed=ALLOWED), required=1000.0, buckets=tuple(buckets))


def test_without_a_start_help_takes_the_shortest_start_if_it_is_needed() -> None:
    ahead = look(pool(ready=2))
    assert ahead == Outlook(startup_seconds=60.0)
    assert ahead.seconds_until_help(needed=1001.0, ready_capacity=1000.0) == 60.0
    assert ahead.seconds_until_help(needed=1000.0, ready_capacity=1000.0) == 0.0


@pytest.mark.parametrize(
    ("pools", "seconds"),
    [
        ([starting(20.0)], 100.0),
        ([starting(20.0, 50.0)], 100.0),
        ([starting(50.0, missing=1)], 120.0),
        ([starting(500.0)], 0.0),
        ([starting(-5.0)], 120.0),
        ([starting(110.0), starting(20.0, name="t4")], 40.0),
    ],
    ids=["one", "the youngest", "one without a pod", "overdue", "from the future", "of two pools"],
)
def test_help_is_as_far_as_the_youngest_start(pools: list[Pool], seconds: float) -> None:
    assert look(*pools).seconds_until_help(needed=0.0, ready_capacity=0.0) == seconds


def test_a_stuck_replica_is_no_help_to_wait_for() -> None:
    assert look(pool(ready=1, stuck=3)).starting_seconds is None


def test_the_surge_of_a_rollout_is_no_start() -> None:
    surge = replace(pool(ready=2, starting=1), replicas=2)
    assert look(surge).starting_seconds is None


def test_what_was_asked_since_the_oldest_start_began_is_known() -> None:
    old = RequirementBucket(at=at(-300), until=at(-100), highest=9000.0, lowest=0.0, peak=0.0)
    new = RequirementBucket(at=at(-40), until=at(-5), highest=4000.0, lowest=0.0, peak=0.0)
    assert look(starting(20.0, 50.0), buckets=[old, new]).asked == 4000.0
    assert look(starting(20.0, 150.0), buckets=[old, new]).asked == 9000.0
    assert look(starting(20.0)).asked == 1000.0


def test_a_backlog_is_drained_no_faster_than_help_can_come_and_go() -> None:
    assert Outlook(startup_seconds=300.0).drain_seconds(stated=30.0) == 100.0
    assert Outlook(startup_seconds=60.0).drain_seconds(stated=30.0) == 30.0


def test_who_is_ready_only_now_was_asked_for_on_account_of_what_waits() -> None:
    then = RequirementBucket(at=at(-90), until=at(-60), highest=4000.0, lowest=0.0, peak=0.0)
    fresh = replace(starting(70.0), pods=(replace(starting(70.0).pods[0], ready_since=at(-25)),))
    assert look(fresh, buckets=[then]) == Outlook(startup_seconds=60.0, asked=4000.0)
    long_since = replace(fresh, pods=(replace(fresh.pods[0], ready_since=at(-30)),))
    assert look(long_since, buckets=[then]) == Outlook(startup_seconds=60.0)
