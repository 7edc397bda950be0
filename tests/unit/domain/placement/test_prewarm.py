"""Replicas that start before the window that needs them opens."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.memory import LearnedPool, PrewarmFloor, ScalingMemory
from embedding_operator.domain.observation import Bounds
from embedding_operator.domain.placement.prewarm import raised_pools
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.loop import World
from tests.world.observations import A10, T4, at, bounds, load, observe, pool, replicas, settled_memory

DAY = (("a10", 0, 6),)
NIGHT = (("t4", 1, 9),)
STARTUP = 100.0
STARTS_AT = -(1.2 * STARTUP + 30)


def ahead(
    *, now: tuple[tuple[str, int, int], ...], upcoming: tuple[tuple[str, int, int], ...], opens: float = 0.0
) -> Bounds:
    return replace(bounds(*now, next_transition=at(opens)), upcoming=bounds(*upcoming).pools, next_window="day")


@pytest.mark.parametrize(
    ("now", "upcoming", "raised"),
    [
        (NIGHT, DAY, ("a10",)),
        (DAY, DAY, ()),
        (DAY, (("a10", 2, 6),), ("a10",)),
        ((("a10", 2, 6),), (("a10", 0, 9),), ()),
        ((("a10", 0, 6), ("t4", 0, 6)), (("t4", 0, 6), ("a10", 0, 6)), ("t4",)),
        (DAY, (), ()),
        ((), DAY, ("a10",)),
    ],
    ids=["anew", "as now", "more at least", "only more at most", "preferred", "asleep next", "asleep now"],
)
def test_what_the_next_window_asks_more_of(
    now: tuple[tuple[str, int, int], ...], upcoming: tuple[tuple[str, int, int], ...], raised: tuple[str, ...]
) -> None:
    assert raised_pools(ahead(now=now, upcoming=upcoming)) == raised


def look(
    moment: float,
    *,
    rate: float = 1000.0,
    forecast: float | None = None,
    memory: ScalingMemory | None = None,
    allowed: Bounds | None = None,
) -> Decision:
    now = at(moment)
    taught = tuple(LearnedPool(pool=name, seed=speed, cold_starts=(100,)) for name, speed in (("a10", A10), ("t4", T4)))
    memory = memory or settled_memory(1600.0, now=now)._replace(learned=taught)
    long_ago = at(-4000)
    scene = observe(
        pool(),
        pool("t4", ready=4, speed=T4, ready_since=long_ago),
        measured=load(rate=rate, now=now),
        allowed=allowed or ahead(now=NIGHT, upcoming=DAY),
        memory=memory,
        now=now,
    )
    return decide(replace(scene, forecast_tokens_per_second=forecast))


def test_replicas_start_a_lead_and_a_fifth_and_half_a_minute_before() -> None:
    early, due = look(STARTS_AT - 1), look(STARTS_AT)
    assert replicas(early.targets) == {"a10": 0, "t4": 4}
    assert early.requeue_after == 1.0
    assert replicas(due.targets) == {"a10": 2, "t4": 4}
    assert StepReason.PREWARM in due.reasons()
    assert due.memory.floors == (PrewarmFloor(pool="a10", replicas=2, opens=NOON),)


def test_what_was_needed_at_this_time_of_the_day_counts() -> None:
    assert replicas(look(-60, forecast=4500.0).targets)["a10"] == 5
    assert replicas(look(-60, forecast=90_000.0).targets)["a10"] == 6
    assert replicas(look(-60, forecast=10.0).targets)["a10"] == 2


def test_nothing_leaves_before_the_window_opens() -> None:
    decision = look(-1)
    assert replicas(decision.targets)["t4"] == 4


def test_a_floor_outlives_its_boundary_and_then_goes() -> None:
    opened = bounds(*DAY)
    before = look(-1, forecast=4000.0).memory._replace(at=at(-1))
    for moment, held in ((1.0, 4), (250.0, 4), (299.0, 4)):
        memory = before._replace(at=at(moment - 5))
        assert replicas(look(moment, memory=memory, allowed=opened).targets)["a10"] == held
    late = before._replace(at=at(295))
    assert look(300.0, memory=late, allowed=opened).memory.floors == ()


def test_a_floor_for_a_window_that_was_taken_back_is_forgotten() -> None:
    before = look(-60)
    assert look(-55, memory=before.memory, allowed=bounds(*NIGHT)).memory.floors == ()
    later = ahead(now=NIGHT, upcoming=DAY, opens=3600)
    assert look(-55, memory=before.memory, allowed=later).memory.floors == ()


def test_a_floor_never_shrinks_while_its_window_is_ahead() -> None:
    before = look(-60, forecast=4000.0)
    assert replicas(look(-55, memory=before.memory).targets)["a10"] == 4


def test_a_sleeping_service_is_there_when_its_window_opens() -> None:
    asleep = replace(ahead(now=(), upcoming=(("a10", 2, 6),)), asleep=True, window="night")
    scene = observe(pool(), allowed=asleep, memory=settled_memory(0.0, now=at(-60)), now=at(-60))
    assert replicas(decide(scene).targets) == {"a10": 2}


@settings(max_examples=10)
@given(rate=st.floats(300, 3500), startup=st.integers(20, 300))
def test_a_morning_with_more_load_finds_its_replicas_ready(rate: float, startup: int) -> None:
    edge = at(1200)

    def schedule(now: datetime) -> Bounds:
        if now < edge:
            return ahead(now=(("t4", 1, 20),), upcoming=(("a10", 1, 9),), opens=1200)
        return bounds(("a10", 1, 9))

    world = World(
        speeds={"a10": A10, "t4": T4},
        bounds=schedule,
        startup_seconds=startup,
        memory=settled_memory(rate / 0.8)._replace(
            learned=tuple(LearnedPool(pool=name, seed=1000.0, cold_starts=(startup,)) for name in ("a10",)),
        ),
    )
    world.add_ready("t4", 10)
    while world.now < edge + timedelta(seconds=600):
        world.step(rate=rate)
        if world.now >= edge:
            ready = sum(1 for pod in world.pods["a10"] if pod.ready_since is not None)
            assert ready * A10 >= rate
    assert world.counts()["t4"] == 0
