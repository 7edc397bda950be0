"""How long a start takes, learned from pods that became Ready for the first time."""

from dataclasses import replace
from datetime import datetime

import pytest
from embedding_operator.api.v1alpha1.scaling import ScalingSpec
from embedding_operator.domain.capacity.startup_time import MOST_STARTS, WARM_SECONDS, hold_seconds, startup_seconds
from embedding_operator.domain.decide import decide
from embedding_operator.domain.memory import LearnedPool, RequirementBucket, ScalingMemory
from embedding_operator.domain.observation import STARTUP_SECONDS, Pool, Replica, ScalingPolicy
from embedding_operator.domain.status.memory_codec import remembered, written
from hypothesis import given
from hypothesis import strategies as st

from tests.world.observations import A10, at, load, observe

NOTHING = LearnedPool(pool="a10", seed=A10)


def pod(name: str, *, created: float, ready: float | None = None, warm: bool = False) -> Replica:
    since = None if ready is None else at(ready)
    return Replica(uid=name, name=name, created_at=at(created), ready_since=since, warm=warm)


def look(*pods: Replica, now: float, memory: ScalingMemory | None) -> ScalingMemory:
    pool = Pool(name="a10", replicas=len(pods), tokens_per_second=A10, pods=pods)
    return decide(observe(pool, measured=load(now=at(now)), memory=memory, now=at(now))).memory


def starts(memory: ScalingMemory) -> tuple[tuple[int, ...], tuple[int, ...]]:
    (known,) = memory.learned
    return known.cold_starts, known.warm_starts


@pytest.mark.parametrize(
    ("cold", "warm", "lead_of_cold", "lead_of_warm"),
    [
        ((), (), STARTUP_SECONDS, WARM_SECONDS),
        ((90,), (), 90.0, 60.0),
        ((40,), (), 40.0, 40.0),
        ((), (25,), STARTUP_SECONDS, 25.0),
        ((), (400,), 400.0, 400.0),
        ((*[100] * 18, 200, 900), (), 100.0, 60.0),
        ((*[100] * 17, 200, 200, 900), (), 200.0, 60.0),
        ((3,), (2,), 15.0, 15.0),
        ((90_000,), (), 1800.0, 60.0),
    ],
)
def test_the_lead_of_starts(
    cold: tuple[int, ...], warm: tuple[int, ...], lead_of_cold: float, lead_of_warm: float
) -> None:
    known = NOTHING._replace(cold_starts=cold, warm_starts=warm)
    assert (startup_seconds(known, warm=False), startup_seconds(known, warm=True)) == (lead_of_cold, lead_of_warm)


def test_a_start_lasts_from_created_to_ready_and_counts_once() -> None:
    memory = look(now=0, memory=None)
    for now in range(5, 120, 5):
        ready = 72 if now >= 75 else None
        memory = look(pod("a", created=3, ready=ready), pod("b", created=4, warm=True), now=now, memory=memory)
    assert starts(memory) == ((69,), ())
    (known,) = memory.learned
    assert known.starting == ("b",)


def test_warm_starts_are_kept_apart() -> None:
    memory = look(now=0, memory=None)
    pods = (pod("a", created=2, ready=90), pod("b", created=2, ready=30, warm=True))
    for now in (5, 95):
        shown = pods if now > 90 else [replace(each, ready_since=None) for each in pods]
        memory = look(*shown, now=now, memory=memory._replace(at=at(now - 5)))
    assert starts(memory) == ((88,), (30 - 2,))


def test_a_pod_that_was_there_before_is_no_start_when_it_becomes_ready_again() -> None:
    memory = look(pod("old", created=-4000), now=0, memory=None)
    memory = look(pod("old", created=-4000, ready=4), now=5, memory=memory)
    assert starts(memory) == ((), ())


def test_a_pod_that_is_ready_at_once_is_a_start() -> None:
    memory = look(now=0.9, memory=None)
    memory = look(pod("a", created=0, ready=3), now=5, memory=memory)
    memory = look(pod("a", created=0, ready=3), now=10, memory=memory)
    assert starts(memory) == ((3,), ())


def test_after_a_gap_it_is_unknown_what_was_a_start() -> None:
    memory = look(pod("a", created=-1), now=0, memory=look(now=-5, memory=None))
    memory = look(pod("a", created=-1, ready=90), pod("b", created=50, ready=80), now=100, memory=memory)
    assert starts(memory) == ((), ())


def test_a_pod_that_ends_before_it_is_ready_was_no_start() -> None:
    memory = look(pod("a", created=-1), now=0, memory=look(now=-5, memory=None))
    memory = look(now=5, memory=memory)
    assert starts(memory) == ((), ())
    assert memory.learned[0].starting == ()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 3000)), max_size=40))
def test_the_last_twenty_starts_are_remembered_and_survive_a_restart(pods: list[tuple[int, int]]) -> None:
    memory = look(now=0, memory=None)
    for number, (created, seconds) in enumerate(pods):
        base = 60.0 * (number + 1)
        young = pod(f"p{number}", created=base - 60 + created)
        memory = look(young, now=base, memory=memory)
        memory = look(replace(young, ready_since=_later(young.created_at, seconds)), now=base, memory=memory)
        memory = remembered(written(memory))
    cold, warm = starts(memory)
    assert cold == tuple(seconds for _, seconds in pods)[-MOST_STARTS:]
    assert warm == ()


def _later(moment: datetime, seconds: float) -> datetime:
    return moment + (at(seconds) - at(0))


@pytest.mark.parametrize(
    ("cold", "warm", "seconds"),
    [((), (), 300.0), ((52,), (), 300.0), ((200,), (), 400.0), ((200,), (400,), 800.0), ((5000,), (), 1800.0)],
    ids=["nothing is known", "short", "twice a start", "of the slower kind", "no longer than half an hour"],
)
def test_a_load_may_return_within_twice_a_start(cold: tuple[int, ...], warm: tuple[int, ...], seconds: float) -> None:
    assert hold_seconds([NOTHING, NOTHING._replace(cold_starts=cold, warm_starts=warm)]) == seconds


@pytest.mark.parametrize(
    ("stated", "returned", "since", "replicas"),
    [
        (None, None, 310, 1),
        (None, 60, 310, 4),
        (None, 60, 610, 1),
        (None, 3600, 310, 1),
        (100, 60, 110, 1),
        (900, None, 610, 4),
        (0, 60, 10, 1),
    ],
    ids=["usually", "a load that returns", "not for ever", "long ago", "less is stated", "more is stated", "none"],
)
def test_replicas_are_held_for_twice_a_start_if_the_load_returns_and_nothing_is_stated(
    stated: int | None, returned: int | None, since: int, replicas: int
) -> None:
    scaling = ScalingSpec.model_validate({"scaleDown": {"stabilizationSeconds": stated, "maxPercentPerMinute": 100}})
    serving = tuple(pod(f"{number}", created=-9000, ready=-8700) for number in range(4))
    needed = RequirementBucket(at=at(-9000), until=at(-since), highest=4000.0, lowest=4000.0, peak=4000.0)
    memory = ScalingMemory(
        at=at(-5),
        required=4000.0,
        buckets=(needed,),
        returned_at=None if returned is None else at(-returned),
        learned=(NOTHING._replace(cold_starts=(300,)),),
    )
    decision = decide(
        observe(
            Pool(name="a10", replicas=4, tokens_per_second=A10, pods=serving),
            measured=load(rate=100.0, reporting=4),
            policy=ScalingPolicy.of(scaling),
            memory=memory,
        )
    )
    assert [target.replicas for target in decision.targets] == [replicas]
