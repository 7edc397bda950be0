"""The invariants of scaling in any sequence of events: readiness, faults, schedules, restarts and edits of the spec."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.api.v1alpha1.status import DecisionMemory
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision, PoolTarget
from embedding_operator.domain.observation import Bounds, Load, Observation, Parity, ScalingPolicy
from embedding_operator.domain.status.memory_codec import remembered, written
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.world.loop import World
from tests.world.observations import A10, T4, at, bounds

WINDOWS = {
    "day": bounds(("a10", 1, 4)),
    "night": bounds(("t4", 1, 8)),
    "both": bounds(("a10", 0, 4), ("t4", 0, 8)),
    "peak": bounds(("t4", 2, 8), ("a10", 2, 6)),
    "asleep": bounds(asleep=True),
}
EPSILON = 1e-3


def whole(measured: Load) -> Load | None:
    return measured


def missing(_: Load) -> Load | None:
    return None


def stale(measured: Load) -> Load | None:
    return replace(measured, sampled_at=measured.sampled_at - timedelta(seconds=60))


def wrong(measured: Load) -> Load | None:
    return replace(measured, queue_tokens=math.nan)


def partial(measured: Load) -> Load | None:
    return replace(measured, expected=measured.expected + 1)


def unknown_rate(measured: Load) -> Load | None:
    return replace(measured, arrival_tokens_per_second=None)


def stopped(measured: Load) -> Load | None:
    return replace(measured, served_tokens_per_second=0.0)


FAULTS: list[Callable[[Load], Load | None]] = [whole, missing, stale, wrong, partial, unknown_rate, stopped]
NO_REMOVAL = {missing, stale, wrong, partial, unknown_rate}


class Life(RuleBasedStateMachine):
    """A service on two pools. Every decision is checked against the invariants, then carried out."""

    @initialize()
    def begin(self) -> None:
        self.window, self.next_window, self.opens = "day", "night", at(3600)
        self.rate = 700.0
        self.world = World(speeds={"a10": A10, "t4": T4}, bounds=self.bounds, startup_seconds=60)
        self.world.add_ready("a10", 2)

    def bounds(self, _: datetime) -> Bounds:
        upcoming = WINDOWS[self.next_window].pools
        return replace(WINDOWS[self.window], next_transition=self.opens, upcoming=upcoming, next_window="next")

    @rule(
        seconds=st.sampled_from([1, 5, 5, 5, 30, 90]),
        fault=st.sampled_from(FAULTS),
        burst=st.none() | st.sampled_from([0.0, 900.0, 9000.0]),
    )
    def tick(self, *, seconds: int, fault: Callable[[Load], Load | None], burst: float | None) -> None:
        world = self.world
        world.now += timedelta(seconds=seconds)
        if world.now >= self.opens:
            self.window, self.opens = self.next_window, world.now + timedelta(hours=1)
        world._start()
        world.queue_tokens = max(0.0, world.queue_tokens + (self.rate - world.ready_capacity()) * seconds)
        scene = world.observation(rate=self.rate)
        if scene.load is not None:
            scene = replace(scene, load=fault(replace(scene.load, burst_tokens_per_second=burst)))
        decision = decide(scene)
        self.check(scene, decision, measured=fault not in NO_REMOVAL)
        world.memory = decision.memory
        if decision.write:
            world.act(decision)

    @rule()
    def restarts_with_its_status(self) -> None:
        """11: the status contains everything that a decision needs."""
        if self.world.memory is not None:
            text = written(self.world.memory).model_dump_json(by_alias=True)
            assert remembered(DecisionMemory.model_validate_json(text)) == self.world.memory
            self.world.memory = remembered(DecisionMemory.model_validate_json(text))

    @rule()
    def restarts_with_nothing(self) -> None:
        """11: without a status, the running replicas are the requirement."""
        self.world.memory = None
        decision = decide(self.world.observation(rate=0.0))
        assert decision.required >= self.world.ready_capacity() - EPSILON

    @rule(pool=st.sampled_from(["a10", "t4"]), ready=st.booleans())
    def changes_readiness(self, *, pool: str, ready: bool) -> None:
        pods = self.world.pods.get(pool, [])
        for number, pod in enumerate(pods):
            if (pod.ready_since is None) == ready:
                pods[number] = replace(pod, ready_since=self.world.now if ready else None, stuck=None)
                return

    @rule(pool=st.sampled_from(["a10", "t4"]), stuck=st.booleans())
    def can_not_start(self, *, pool: str, stuck: bool) -> None:
        self.world.stuck = self.world.stuck | {pool} if stuck else self.world.stuck - {pool}
        self.world.pods[pool] = [
            pod if pod.ready_since else replace(pod, stuck=Reason.CRASH_LOOP if stuck else None)
            for pod in self.world.pods.get(pool, [])
        ]

    @rule(pool=st.sampled_from(["a10", "t4"]))
    def loses_a_node(self, *, pool: str) -> None:
        self.world.pods[pool] = self.world.pods.get(pool, [])[1:]

    @rule(parity=st.sampled_from(Parity))
    def answers(self, parity: Parity) -> None:
        self.world.pods["t4"] = [replace(pod, parity=parity) for pod in self.world.pods.get("t4", [])]

    @rule(window=st.sampled_from(sorted(WINDOWS)), soon=st.sampled_from([30, 300, 3600]))
    def is_rescheduled(self, *, window: str, soon: int) -> None:
        self.next_window, self.opens = window, self.world.now + timedelta(seconds=soon)

    @rule(window=st.sampled_from(sorted(WINDOWS)))
    def another_window_opens(self, *, window: str) -> None:
        self.window = window

    @rule(
        utilization=st.sampled_from([0.5, 0.8]),
        stabilization=st.sampled_from([0.0, 300.0]),
        fallback=st.none() | st.integers(1, 9),
        mode=st.sampled_from([ScalingMode.ACTIVE, ScalingMode.ACTIVE, ScalingMode.ADVISORY, ScalingMode.PAUSED]),
    )
    def is_edited(self, *, utilization: float, stabilization: float, fallback: int | None, mode: ScalingMode) -> None:
        self.world.policy = ScalingPolicy(
            target_utilization=utilization,
            down_stabilization_seconds=stabilization,
            fallback_replicas=fallback,
            mode=mode,
        )

    @rule(rate=st.sampled_from([0.0, 300.0, 700.0, 2500.0]))
    def load_changes(self, rate: float) -> None:
        self.rate = rate

    @rule(hours=st.sampled_from([-24, -1, 1, 24]))
    def the_clock_jumps(self, hours: int) -> None:
        """17: after a clock jump, replicas leave by the usual rules."""
        scene = self.world.observation(rate=self.rate)
        now = scene.now + timedelta(hours=hours)
        measured = None if scene.load is None else replace(scene.load, sampled_at=now)
        if self.world.memory is not None and not scene.bounds.asleep:
            jumped = replace(scene, now=now, load=measured, bounds=_without_edge(scene))
            self.capacity_is_kept(jumped, decide(jumped))

    def check(self, scene: Observation, decision: Decision, *, measured: bool) -> None:
        self.within_bounds(scene, decision)
        self.capacity_is_kept(scene, decision)
        nothing_serves = scene.bounds.asleep and not any(pool.ready for pool in scene.pools)
        panics = decision.memory.panic_until is not None
        if not nothing_serves and (not measured or panics or scene.policy.mode is ScalingMode.PAUSED):
            self.lowers_nothing(scene, decision)
        assert decision.write is (scene.policy.mode is ScalingMode.ACTIVE)
        assert decide(replace(scene, pools=tuple(reversed(scene.pools)))) == decision
        for target in decision.targets:
            present = next(pool for pool in scene.pools if pool.name == target.pool)
            assert len(target.victims) <= max(0, present.replicas - target.replicas)
            assert set(target.victims) <= {pod.name for pod in present.pods}

    def within_bounds(self, scene: Observation, decision: Decision) -> None:
        if scene.policy.mode is ScalingMode.PAUSED:
            return
        low = {each.pool: each.min_replicas for each in scene.bounds.pools}
        high = {each.pool: each.max_replicas for each in (*scene.bounds.upcoming, *scene.bounds.pools)}
        for pool in scene.pools:
            target = _of(decision, pool.name)
            assert low.get(pool.name, 0) <= target.replicas <= max(high.get(pool.name, 0), pool.replicas)

    def capacity_is_kept(self, scene: Observation, decision: Decision) -> None:
        """6 and 13: the Ready replicas after a step serve what is required, or as much as before."""
        before = sum(pool.tokens_per_second * min(pool.replicas, len(pool.ready)) for pool in scene.pools)
        after = sum(
            pool.tokens_per_second * min(_of(decision, pool.name).replicas, len(pool.ready)) for pool in scene.pools
        )
        goal = sum(target.tokens_per_second * target.goal for target in decision.targets)
        assert after >= min(decision.required, before, goal) - EPSILON

    def lowers_nothing(self, scene: Observation, decision: Decision) -> None:
        for pool in scene.pools:
            assert _of(decision, pool.name).replicas >= min(pool.replicas, len(pool.ready))


def _of(decision: Decision, pool: str) -> PoolTarget:
    return next(target for target in decision.targets if target.pool == pool)


def _without_edge(scene: Observation) -> Bounds:
    return replace(scene.bounds, next_transition=None, upcoming=())


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=40, deadline=None)
