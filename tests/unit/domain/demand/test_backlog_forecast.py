"""How far decisions look ahead: until the requested replicas are Ready."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from embedding_operator.domain.demand.backlog_forecast import Outlook, Serving, Start, outlook
from embedding_operator.domain.memory import RequirementBucket
from embedding_operator.domain.observation import Pool, Replica
from hypothesis import given
from hypothesis import strategies as st

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


def needed(ahead: Outlook, *, arrival: float, required: float = 0.0, backlog: float = 0.0) -> float:
    """Return what one replica of 1,000 tokens/s would have to become."""
    serving = Serving(ready=1000.0, needed=required, drain_seconds=30.0, patience_seconds=60.0)
    return ahead.needed(arrival=arrival, backlog=backlog, serving=serving)


def test_without_a_start_help_takes_the_shortest_start_if_it_is_needed() -> None:
    ahead = look(pool(ready=2))
    assert ahead == Outlook(startup_seconds=60.0)
    assert needed(ahead, arrival=1500.0, required=1001.0) == 1500.0 + 500.0 * 60.0 / 30.0
    assert needed(ahead, arrival=1500.0, required=1000.0) == 0.0
    assert needed(ahead, arrival=900.0, required=1125.0, backlog=9000.0) == 900.0 + (9000.0 - 100.0 * 60.0) / 30.0


@pytest.mark.parametrize(
    ("pools", "seconds"),
    [
        ([starting(20.0)], [100.0]),
        ([starting(20.0, 50.0)], [70.0, 100.0]),
        ([starting(50.0, missing=1)], [70.0, 120.0]),
        ([starting(500.0)], [0.0]),
        ([starting(-5.0)], [120.0]),
        ([starting(110.0), starting(20.0, name="t4")], [10.0, 40.0]),
    ],
    ids=["one", "the oldest first", "one without a pod", "overdue", "from the future", "of two pools"],
)
def test_every_start_is_known(pools: list[Pool], seconds: list[float]) -> None:
    assert look(*pools).starts == tuple(Start(each, A10) for each in seconds)


def test_the_first_start_that_suffices_is_the_help() -> None:
    """Without it, 60,000 tokens would wait at 60 s; two replicas drain them at 2,000 a second."""
    enough = Outlook(startup_seconds=120.0, starts=(Start(60.0, 4000.0),))
    assert needed(enough, arrival=2000.0) == 2000.0 + 60.0 * 1000.0 / 40.0
    later = enough._replace(starts=(*enough.starts, Start(115.0, 1000.0)))
    assert needed(later, arrival=2000.0) == needed(enough, arrival=2000.0)


def test_what_starts_first_serves_until_the_next() -> None:
    two = Outlook(startup_seconds=120.0, starts=(Start(60.0, 1500.0), Start(100.0, 4000.0)))
    assert needed(two, arrival=2000.0) == 2000.0 + (60.0 * 1000.0 - 40.0 * 500.0) / 40.0


def test_starts_that_do_not_suffice_count_until_a_new_one_would_help() -> None:
    few = Outlook(startup_seconds=120.0, starts=(Start(60.0, 500.0),))
    assert needed(few, arrival=2000.0) == 2000.0 + (60.0 * 1000.0 + 60.0 * 500.0) / 40.0


@given(
    arrival=st.floats(0, 1e6),
    backlog=st.floats(0, 1e8),
    starts=st.lists(st.tuples(st.floats(0, 300), st.floats(1, 1e5)), max_size=5),
    passed=st.floats(0, 1),
)
def test_waiting_for_starts_never_asks_for_more(
    arrival: float, backlog: float, starts: list[tuple[float, float]], passed: float
) -> None:
    """Under a steady load, the first answer holds until the first replica is Ready: it is never raised."""
    ahead = Outlook(startup_seconds=300.0, starts=tuple(sorted(Start(*each) for each in starts)))
    seconds = passed * min((each.seconds for each in ahead.starts), default=0.0)
    closer = ahead._replace(starts=tuple(each._replace(seconds=each.seconds - seconds) for each in ahead.starts))
    then = max(0.0, min(max(backlog, 60.0 * arrival), backlog + (arrival - 1000.0) * seconds))
    first = needed(ahead, arrival=arrival, backlog=backlog)
    coming = 1000.0 + sum(each.capacity for each in ahead.starts)
    if first <= coming:
        assert needed(closer, arrival=arrival, backlog=then) <= first * (1 + 1e-9) + 1e-6


def test_no_more_is_expected_to_wait_than_arrives_until_requests_are_given_up() -> None:
    slow = Outlook(startup_seconds=300.0)
    assert needed(slow, arrival=3000.0, required=3750.0) == 3000.0 + 60.0 * 3000.0 / 100.0
    assert needed(slow, arrival=3000.0, required=3750.0, backlog=400_000.0) == 3000.0 + 400_000.0 / 100.0


def test_no_backlog_needs_nothing() -> None:
    assert needed(Outlook(startup_seconds=60.0, starts=(Start(10.0, 500.0),)), arrival=900.0) == 0.0


def test_a_stuck_replica_is_no_help_to_wait_for() -> None:
    assert look(pool(ready=1, stuck=3)).starts == ()


def test_the_surge_of_a_rollout_is_no_start() -> None:
    surge = replace(pool(ready=2, starting=1), replicas=2)
    assert look(surge).starts == ()


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
