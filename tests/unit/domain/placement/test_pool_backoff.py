"""Pools where pods cannot start: they do not grow for a while, others take their share, one pod stays as a probe."""

from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.memory import PoolBackoff, RequirementBucket, ScalingMemory
from embedding_operator.domain.observation import Bounds, Pool, Replica, cannot_start
from embedding_operator.domain.placement.pool_backoff import pool_backoffs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.world.loop import World
from tests.world.observations import A10, T4, at, bounds, load, observe, pool, replicas, settled_memory

BOTH = bounds(("a10", 0, 6), ("t4", 0, 20))


def pod(name: str, *, created: float, ready: float | None = None, stuck: Reason | None = None) -> Replica:
    return Replica(
        uid=name,
        name=name,
        created_at=at(created),
        ready_since=None if ready is None else at(ready),
        stuck=stuck,
    )


def of(*pods: Replica) -> Pool:
    return Pool(name="a10", replicas=len(pods), tokens_per_second=A10, pods=pods)


def after(known: PoolBackoff | None, *pods: Replica, now: float = 0.0) -> PoolBackoff | None:
    memory = settled_memory(0.0)._replace(backoffs=() if known is None else (known,))
    return pool_backoffs(observe(of(*pods), memory=memory, now=at(now))).get("a10")


@pytest.mark.parametrize(
    ("reason", "age", "expected"),
    [
        (Reason.UNSCHEDULABLE, 299, False),
        (Reason.UNSCHEDULABLE, 300, True),
        (Reason.IMAGE_PULL_FAILED, 1, True),
        (Reason.CRASH_LOOP, 1, True),
        (Reason.START_OVERDUE, 1, True),
        (Reason.NOT_ANSWERING, 1, True),
        (None, 5000, False),
    ],
)
def test_a_pod_without_a_node_may_wait_for_one_as_long_as_a_start_takes(
    reason: Reason | None,
    age: int,
    expected: bool,  # noqa: FBT001
) -> None:
    each = pod("a", created=-age, stuck=reason)
    assert cannot_start(each, pool=of(each), now=at(0)) is expected


STUCK = pod("stuck", created=-1000, stuck=Reason.CRASH_LOOP)
FIRST = PoolBackoff(pool="a10", at=at(-100), until=at(200), times=1)


@pytest.mark.parametrize(
    ("known", "pods", "now", "expected"),
    [
        (None, [pod("a", created=-900, ready=-600)], 0, None),
        (None, [STUCK], 0, PoolBackoff(pool="a10", at=at(0), until=at(300), times=1)),
        (FIRST, [STUCK], 0, FIRST),
        (FIRST, [], 0, FIRST),
        (FIRST, [STUCK], 200, FIRST),
        (FIRST, [replace(STUCK, stuck=None)], 0, None),
        (FIRST, [replace(STUCK, stuck=None, ready_since=at(-5)), STUCK], 0, None),
        (FIRST, [pod("young", created=210)], 220, FIRST),
        (
            FIRST,
            [pod("young", created=210, stuck=Reason.CRASH_LOOP)],
            220,
            PoolBackoff(pool="a10", at=at(220), until=at(820), times=2),
        ),
        (
            replace(FIRST, times=9),
            [pod("young", created=210, stuck=Reason.CRASH_LOOP)],
            220,
            PoolBackoff(pool="a10", at=at(220), until=at(2020), times=10),
        ),
        (FIRST, [], 2000, None),
        (replace(FIRST, at=at(86_400), until=at(86_700)), [], 0, None),
    ],
    ids=[
        "nothing is stuck",
        "stuck",
        "still in backoff",
        "still in backoff without a probe",
        "open again with the old probe",
        "the probe is on its way",
        "a pod became Ready",
        "open, and pods are tried",
        "those cannot start either: in backoff for twice as long",
        "never for more than 30 minutes",
        "long ago",
        "of a clock that went back",
    ],
)
def test_a_pool_closes_and_opens(
    known: PoolBackoff | None, pods: list[Replica], now: float, expected: PoolBackoff | None
) -> None:
    assert after(known, *pods, now=now) == expected


def required_of_late(required: float) -> ScalingMemory:
    bucket = RequirementBucket(at=at(-60), until=at(-5), highest=required, lowest=required, peak=required)
    return ScalingMemory(at=at(-5), required=required, buckets=(bucket,))


def scene(a10: Pool, *, allowed: Bounds = BOTH, required: float = 2000.0) -> dict[str, int]:
    memory = required_of_late(required)
    pools = (a10, pool("t4", speed=T4))
    return replicas(decide(observe(*pools, measured=load(), allowed=allowed, memory=memory)).targets)


def test_what_no_other_pool_takes_is_still_asked_for() -> None:
    """A node may be added: as many pods wait for it as replicas are missing, but no more than exist already."""
    full = bounds(("a10", 0, 6), ("t4", 0, 1))
    assert scene(pool(ready=1, stuck=3), allowed=full, required=4000.0) == {"a10": 4, "t4": 1}
    assert scene(pool(ready=1, stuck=1), allowed=full, required=4000.0) == {"a10": 2, "t4": 1}
    assert scene(pool(ready=1, stuck=3), allowed=full, required=2500.0) == {"a10": 3, "t4": 1}


def test_when_it_is_time_one_more_is_tried_and_does_not_count_as_capacity() -> None:
    pools = (pool(ready=1, stuck=1), pool("t4", speed=T4, starting=3))
    for until, tried in ((300, 2), (-1, 3)):
        backoff = PoolBackoff(pool="a10", at=at(-400), until=at(until), times=1)
        memory = required_of_late(4000.0)._replace(backoffs=(backoff,))
        decision = decide(observe(*pools, measured=load(), allowed=BOTH, memory=memory))
        assert replicas(decision.targets) == {"a10": tried, "t4": 8}


def test_the_one_replica_that_always_stays_is_where_it_can_start() -> None:
    decision = decide(observe(pool(stuck=1), pool("t4", speed=T4), allowed=BOTH))
    assert replicas(decision.targets) == {"a10": 1, "t4": 1}


def test_the_minimum_of_a_pool_is_asked_for_and_not_counted_on() -> None:
    floor = bounds(("a10", 3, 6), ("t4", 0, 20))
    assert scene(pool(ready=1, stuck=2), allowed=floor) == {"a10": 3, "t4": 3}


def test_a_closed_pool_that_is_not_needed_keeps_no_probe() -> None:
    assert scene(pool(ready=1, stuck=2), required=1000.0) == {"a10": 1, "t4": 0}


def test_the_limit_says_that_pods_cannot_start_and_not_that_the_maximum_is_reached() -> None:
    decision = decide(
        observe(pool(ready=1, stuck=2), measured=load(rate=900.0), memory=settled_memory(3000.0), allowed=BOTH)
    )
    assert StepReason.POOL_BACKOFF in decision.reasons()
    assert StepReason.AT_MAXIMUM not in decision.reasons()


def test_the_pool_is_looked_at_again_when_it_opens() -> None:
    decision = decide(observe(pool(ready=1, stuck=2), measured=load(rate=900.0), memory=settled_memory(3000.0)))
    assert decision.requeue_after == 300.0


@settings(max_examples=15)
@given(rate=st.floats(200, 5000), startup=st.integers(30, 300), stuck_from=st.integers(1, 2))
def test_18_what_a_stuck_pool_does_not_serve_another_serves_soon(rate: float, startup: int, stuck_from: int) -> None:
    world = World(
        speeds={"a10": A10, "t4": T4},
        bounds=lambda _: bounds(("a10", 0, 20), ("t4", 0, 60)),
        startup_seconds=startup,
        stuck=frozenset({"a10"}),
    )
    world.add_ready("a10", stuck_from)
    deadline = world.now + timedelta(seconds=3 * 300 + 60)  # 2 * L_p + L_next, until a start has been seen
    while world.now < deadline:
        world.step(rate=rate)
    assert world.ready_capacity() >= rate


def test_who_serves_in_place_of_pods_that_cannot_start_stays() -> None:
    night = bounds(("t4", 0, 9))
    pools = (pool(ready=2), pool("t4", stuck=5, speed=T4))
    decision = decide(observe(*pools, measured=load(rate=1500.0), allowed=night, memory=settled_memory(2000.0)))
    assert StepReason.POOL_BACKOFF in decision.reasons()
    assert replicas(decision.targets)["a10"] == 2
