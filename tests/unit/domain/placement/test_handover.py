"""Replicas leave only where proven ones serve in their place."""

from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.domain.decide import decide
from embedding_operator.domain.observation import Observation, Parity, Pool, Replica
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE
from embedding_operator.domain.placement.handover import REPLICA_SETTLE, hand_over, takes_over, victims
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.world.builders import NOON
from tests.world.observations import A10, T4, at, bounds, load, observe, pool, settled_memory


@pytest.mark.parametrize("replicas", [4, 5, 8])
def test_more_new_replicas_than_are_needed_still_have_to_prove_themselves(replicas: int) -> None:
    incoming = pool("t4", ready=replicas, speed=T4, ready_since=at(-1), parity=Parity.FAILED)
    observation = observe(
        pool("a10", ready=2, speed=A10),
        incoming,
        allowed=bounds(("t4", 1, 8)),
        measured=load(rate=1280.0, reporting=2 + replicas),
        memory=settled_memory(1600.0),
    )

    decision = decide(observation)

    assert {target.pool: target.replicas for target in decision.targets}["a10"] == 2


@st.composite
def replicas_of(draw: st.DrawFn, name: str) -> tuple[Replica, ...]:
    return tuple(
        Replica(
            uid=f"{name}-{number}",
            name=f"{name}-{number}",
            created_at=NOON - timedelta(hours=1),
            ready_since=draw(st.sampled_from([None, at(-1), at(-29), at(-30), at(-600)])),
            parity=draw(st.sampled_from(Parity)),
        )
        for number in range(draw(st.integers(0, 6)))
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Observation, dict[str, int], float]:
    """Draw pools, a goal, and the tokens per second that must stay."""
    names = draw(st.lists(st.sampled_from(["a10", "t4", "l4"]), min_size=2, max_size=3, unique=True))
    pools = tuple(
        Pool(name=name, replicas=len(pods), tokens_per_second=draw(st.sampled_from([400.0, 1000.0])), pods=pods)
        for name in names
        for pods in [draw(replicas_of(name))]
    )
    goal = {name: draw(st.integers(0, 6)) for name in names}
    observation = observe(*pools, allowed=bounds(*((name, 0, 6) for name in names)))
    policy = replace(observation.policy, down_share_per_minute=1.0)
    return replace(observation, policy=policy), goal, draw(st.sampled_from([0.0, 400.0, 1000.0, 2500.0]))


@given(scene=scenes())
def test_a_pool_gives_up_only_what_proven_replicas_serve(scene: tuple[Observation, dict[str, int], float]) -> None:
    observation, goal, need = scene
    assume(takes_over(observation.pools, goal=goal))

    kept = hand_over(observation, goal=goal, need=need, frozen=False).replicas

    leaves = any(kept[each.name] < min(each.replicas, len(each.ready)) for each in observation.pools)
    proven = sum(
        min(kept[each.name], sum(1 for pod in each.ready if _is_proven(pod))) * each.tokens_per_second
        for each in observation.pools
    )
    assert not leaves or proven >= need - TOLERANCE or _only_unproven_left(observation, kept)


def test_a_replica_that_proved_itself_leaves_after_those_that_did_not() -> None:
    passed = pool("t4", ready=2, ready_since=at(-60)).pods
    unknown = pool("t4-new", ready=2, ready_since=at(-60), parity=Parity.UNKNOWN).pods
    busy = tuple(replace(pod, in_flight=9.0) for pod in unknown)

    chosen = victims(Pool(name="t4", replicas=4, tokens_per_second=T4, pods=(*passed, *busy)), count=2, now=NOON)

    assert set(chosen) == {pod.name for pod in unknown}


@given(scene=scenes())
def test_a_pool_that_leaves_beside_another_one_is_a_handover(scene: tuple[Observation, dict[str, int], float]) -> None:
    observation, goal, _ = scene
    leaving = {each.name for each in observation.pools if goal[each.name] < len(each.ready)}
    beside = any(goal[name] > 0 for each in leaving for name in goal if name != each)

    assert takes_over(observation.pools, goal=goal) is (bool(leaving) and beside)


def _is_proven(pod: Replica) -> bool:
    return pod.ready_since is not None and NOON - pod.ready_since >= REPLICA_SETTLE and pod.parity is Parity.PASSED


def _only_unproven_left(observation: Observation, kept: dict[str, int]) -> bool:
    """Return whether no proven replica left: an unproven replica does not replace one."""
    return all(
        kept[each.name] >= min(each.replicas, sum(1 for pod in each.ready if _is_proven(pod)))
        for each in observation.pools
    )
