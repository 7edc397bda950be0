"""The invariants of scaling, numbered as in the design study; 10 (the schedule) is tested with the schedule."""

import itertools
import math
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.measured import LARGEST
from embedding_operator.domain.memory import (
    IdleTime,
    LearnedPool,
    PoolBackoff,
    PrewarmFloor,
    RequirementBucket,
    ScalingMemory,
)
from embedding_operator.domain.observation import (
    Allowance,
    Bounds,
    Load,
    Observation,
    Parity,
    Pool,
    Replica,
    ScalingPolicy,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.domain.load.gateways import gateways
from tests.world.builders import NOON
from tests.world.loop import World
from tests.world.observations import A10, T4, at, bounds, load, observe, pool, replicas, settled_memory

SPEEDS = {"a10": A10, "t4": T4, "l4": 700.0}
finite = st.floats(min_value=0, max_value=50_000)
measured = finite | st.sampled_from([LARGEST, 1.01 * LARGEST, sys.float_info.max])


@st.composite
def pods_of(draw: st.DrawFn, name: str) -> tuple[Replica, ...]:
    return tuple(
        Replica(
            uid=f"{name}-{number}",
            name=f"{name}-{number}",
            created_at=at(-draw(st.integers(60, 4000))),
            ready_since=draw(st.none() | st.integers(0, 60).map(lambda age: at(-age))),
            stuck=draw(st.none() | st.sampled_from([Reason.UNSCHEDULABLE, Reason.CRASH_LOOP])),
            parity=draw(st.sampled_from(Parity)),
            in_flight=draw(st.integers(0, 9)),
        )
        for number in range(draw(st.integers(0, 6)))
    )


@st.composite
def pools_strategy(draw: st.DrawFn) -> tuple[Pool, ...]:
    names = draw(st.lists(st.sampled_from(sorted(SPEEDS)), min_size=1, max_size=3, unique=True))
    made = []
    for name in names:
        pods = draw(pods_of(name))
        missing = draw(st.integers(0, 3))
        price = draw(st.none() | st.sampled_from([0.35, 0.8, 1.0]))
        held = len(pods) + missing
        made.append(Pool(name=name, replicas=held, tokens_per_second=SPEEDS[name], pods=pods, price_per_hour=price))
    return tuple(made)


@st.composite
def bounds_strategy(draw: st.DrawFn, names: tuple[str, ...]) -> Bounds:
    allowed = draw(st.lists(st.sampled_from(names), unique=True))
    allowances = []
    for name in allowed:
        low = draw(st.integers(0, 5))
        allowances.append(Allowance(pool=name, min_replicas=low, max_replicas=draw(st.integers(max(low, 1), 12))))
    return Bounds(pools=tuple(allowances), asleep=not allowances)


loads = st.builds(
    Load,
    sampled_at=st.integers(0, 15).map(lambda age: at(-age)),
    queue_requests=measured,
    queue_tokens=measured,
    arrival_tokens_per_second=st.none() | measured,
    burst_tokens_per_second=st.none() | measured,
    tokens_per_request=st.sampled_from([1.0, 100.0, LARGEST]),
    reporting=st.integers(1, 5),
    expected=st.just(5),
)
backoffs = st.builds(
    lambda pool, age, seconds, times: PoolBackoff(pool=pool, at=at(-age), until=at(seconds - age), times=times),
    st.sampled_from(sorted(SPEEDS)),
    st.integers(0, 3000),
    st.integers(300, 1800),
    st.integers(1, 9),
)
memories = st.none() | st.builds(
    lambda required, highest, age, gap, idle, panic, blind, returned, queue, closed, floor: ScalingMemory(
        at=at(-gap),
        required=required,
        buckets=(RequirementBucket(at=at(-age - 30), until=at(-age), highest=highest, lowest=0.0, peak=highest),),
        idle=idle,
        panic_until=panic,
        blind_since=blind,
        returned_at=returned,
        queue_since=queue,
        backoffs=() if closed is None else (closed,),
        floors=() if floor is None else (PrewarmFloor(pool="a10", replicas=floor, opens=at(-60)),),
    ),
    finite,
    finite,
    st.integers(0, 2000),
    st.integers(-100, 100),
    st.none() | st.integers(0, 4000).map(lambda age: IdleTime(since=at(-age - 5), until=at(-5))),
    st.none() | st.integers(-10, 60).map(at),
    st.none() | st.integers(-600, 0).map(at),
    st.none() | st.integers(-4000, 60).map(at),
    st.none() | st.integers(-600, 10).map(at),
    st.none() | backoffs,
    st.none() | st.integers(1, 9),
)
policies = st.builds(
    ScalingPolicy,
    allocation=st.sampled_from(Allocation),
    queue_requests_per_replica=st.integers(1, 64),
    drain_seconds=st.integers(1, 120),
    patience_seconds=st.integers(1, 3600),
    down_follows_starts=st.booleans(),
    target_utilization=st.floats(0.1, 0.95),
    up_factor=st.floats(1, 4),
    up_replicas=st.integers(1, 8),
    up_stabilization_seconds=st.sampled_from([0, 30]),
    down_stabilization_seconds=st.sampled_from([0, 60, 300]),
    down_share_per_minute=st.floats(0.01, 1.0),
)


@st.composite
def observations(draw: st.DrawFn, measured: st.SearchStrategy[Load | None] = loads) -> Observation:
    pools = draw(pools_strategy())
    return Observation(
        now=NOON,
        policy=draw(policies),
        bounds=draw(bounds_strategy(tuple(made.name for made in pools))),
        pools=pools,
        load=draw(measured),
        gateway=draw(st.none() | gateways()),
        memory=draw(memories),
    )


def present(observation: Observation) -> dict[str, int]:
    return {made.name: made.replicas for made in observation.pools}


def ready_capacity(observation: Observation, counts: dict[str, int]) -> float:
    return sum(made.tokens_per_second * min(len(made.ready), counts[made.name]) for made in observation.pools)


@given(observations())
def test_1_targets_stay_within_bounds(observation: Observation) -> None:
    targets = replicas(decide(observation).targets)
    allowed = {allowance.pool: allowance for allowance in observation.bounds.pools}
    for name, have in present(observation).items():
        high = allowed[name].max_replicas if name in allowed else 0
        low = allowed[name].min_replicas if name in allowed else 0
        assert low <= targets[name] <= max(high, have)


@given(observations(), st.randoms(use_true_random=False))
def test_2_equal_observations_decide_equally_in_any_order_of_pools(
    observation: Observation, order: random.Random
) -> None:
    pools = list(observation.pools)
    order.shuffle(pools)

    assert decide(replace(observation, pools=tuple(pools))) == decide(observation)


@given(observations(), st.floats(0, 50_000), st.floats(0, 50_000))
def test_3_required_is_monotone_in_the_queue(observation: Observation, queue: float, tokens: float) -> None:
    measured = observation.load
    assert measured is not None
    # A larger value than the largest is invalid, and holds the requirement.
    more = replace(
        measured,
        queue_requests=min(LARGEST, measured.queue_requests + queue),
        queue_tokens=min(LARGEST, measured.queue_tokens + tokens),
    )

    # Requirements are rounded to a thousandth, the drawn ones are not.
    assert decide(replace(observation, load=more)).required >= decide(observation).required - 1e-3


BAD_LOADS = st.one_of(
    st.none(),
    st.builds(load, rate=st.sampled_from([math.nan, math.inf, -math.inf, -1.0])),
    st.builds(load, queue=st.sampled_from([math.nan, math.inf, -1.0])),
    st.builds(load, age=st.sampled_from([16.0, 3600.0, -16.0, -86_400.0])),
    st.builds(load, reporting=st.just(1), expected=st.integers(2, 9)),
    st.builds(load, rate=st.none()),
)


@given(observations(measured=BAD_LOADS))
def test_4_nothing_shrinks_on_bad_metrics(observation: Observation) -> None:
    if observation.bounds.asleep and not any(made.ready for made in observation.pools):
        return  # nothing serves, and nothing should: there are no metrics to wait for
    targets = replicas(decide(observation).targets)
    for name, have in present(observation).items():
        assert targets[name] >= have


@given(observations())
def test_6_ready_capacity_never_dips_below_the_need(observation: Observation) -> None:
    decision = decide(observation)
    goal = {target.pool: target.goal for target in decision.targets}
    allowed = sum(made.tokens_per_second * goal[made.name] for made in observation.pools)
    before = ready_capacity(observation, present(observation))
    after = ready_capacity(observation, replicas(decision.targets))

    assert after >= min(decision.required, before, allowed) - 1e-3


@given(observations())
def test_12_advisory_and_paused_never_ask_for_a_write(observation: Observation) -> None:
    for mode in (ScalingMode.ADVISORY, ScalingMode.PAUSED):
        assert not decide(replace(observation, policy=replace(observation.policy, mode=mode))).write


@given(observations(), st.sampled_from(ScalingMode))
def test_14_a_pool_is_raised_or_lowered_and_its_victims_are_its_own(
    observation: Observation, mode: ScalingMode
) -> None:
    for target in decide(replace(observation, policy=replace(observation.policy, mode=mode))).targets:
        made = next(made for made in observation.pools if made.name == target.pool)
        assert len(target.victims) <= max(0, made.replicas - target.replicas)
        assert set(target.victims) <= {pod.name for pod in made.pods}


@given(observations(), st.integers(1, 5))
def test_19_partial_metrics_never_ask_for_less_than_whole_ones(observation: Observation, silent: int) -> None:
    measured = observation.load
    assert measured is not None
    whole = replace(observation, load=replace(measured, reporting=5), gateway=None)
    partial = replace(whole, load=replace(measured, reporting=5 - silent))
    full, some = (replicas(decide(scene).targets) for scene in (whole, partial))
    for name in full:
        assert some[name] >= full[name]


@settings(max_examples=8)
@given(start=st.integers(1, 20), least=st.integers(1, 4))
def test_16_without_load_a_service_comes_to_its_minimum_in_bounded_steps(start: int, least: int) -> None:
    world = World(speeds={"a10": A10}, bounds=lambda _: bounds(("a10", least, 20)), startup_seconds=0)
    world.add_ready("a10", start)
    writes = 0
    for _ in range((300 + 60 * 20) // 5):
        before = world.counts()
        world.step(rate=0.0)
        writes += world.counts() != before
    assert world.counts() == {"a10": least}
    assert writes <= max(1, abs(start - least))


@settings(max_examples=12)
@given(rate=st.floats(0, 9000), start=st.integers(1, 6))
def test_7_constant_load_and_instant_starts_settle(rate: float, start: int) -> None:
    world = World(speeds={"a10": A10}, bounds=lambda _: bounds(("a10", 1, 20)), startup_seconds=0)
    world.add_ready("a10", start)
    for _ in range(400):
        world.step(rate=rate)
    counts = world.counts()
    for _ in range(60):
        world.step(rate=rate)
        assert world.counts() == counts
    assert world.ready_capacity() >= rate


@settings(max_examples=8)
@given(st.floats(500, 9000), st.integers(0, 2**32))
def test_8_ten_percent_of_noise_does_not_flap(rate: float, seed: int) -> None:
    noise = random.Random(seed)
    world = World(speeds={"a10": A10}, bounds=lambda _: bounds(("a10", 1, 20)), startup_seconds=0)
    world.add_ready("a10", math.ceil(rate / 800))
    history = []
    for _ in range(480):
        world.step(rate=rate * noise.uniform(0.9, 1.1))
        history.append(world.counts()["a10"])
    moves = [after - before for before, after in itertools.pairwise(history) if after != before]
    reversals = sum(1 for before, after in itertools.pairwise(moves) if (before > 0) != (after > 0))

    assert reversals <= 4  # 40 minutes: two trim windows of at most two reversals


@settings(max_examples=8)
@given(st.lists(st.floats(0, 6000), min_size=30, max_size=60), st.sets(st.integers(0, 59), max_size=6))
def test_11_a_restart_with_its_memory_changes_nothing_and_without_never_shrinks(
    rates: list[float], restarts: set[int]
) -> None:
    kept = World(speeds={"a10": A10}, bounds=lambda _: bounds(("a10", 1, 20)))
    lost = World(speeds={"a10": A10}, bounds=lambda _: bounds(("a10", 1, 20)))
    for world in (kept, lost):
        world.add_ready("a10", 5)
    for tick, rate in enumerate(rates):
        kept.step(rate=rate)
        before = lost.counts()["a10"]
        lost.step(rate=rate, restart=tick in restarts)
        if tick in restarts:
            assert lost.counts()["a10"] >= before


@settings(max_examples=25)
@given(
    rate=st.floats(0, 20_000),
    start=st.integers(1, 4),
    startup=st.integers(20, 400),
    taken_for=st.integers(20, 400),
    queue=st.floats(0, 50_000),
)
def test_9_nothing_more_is_asked_for_while_replicas_start(
    rate: float, start: int, startup: int, taken_for: int, queue: float
) -> None:
    """One right-sized decision at first: the queue grows as the requested replicas come closer to Ready."""
    taught = LearnedPool(pool="a10", seed=A10, cold_starts=(taken_for,))
    world = World(
        speeds={"a10": A10},
        bounds=lambda _: bounds(("a10", 1, 1000)),
        startup_seconds=startup,
        policy=ScalingPolicy(up_factor=1000.0),
        memory=settled_memory(start * A10)._replace(learned=(taught,)),
        queue_tokens=queue,
    )
    world.add_ready("a10", start)
    world.step(rate=rate)
    asked = world.counts()["a10"]
    for _ in range(min(startup, taken_for) // 5 - 1):
        world.step(rate=rate)
        assert world.counts()["a10"] <= asked


def test_a_window_that_changes_the_pool_keeps_the_load_served() -> None:
    edge = at(600)
    world = World(
        speeds={"a10": A10, "t4": T4},
        bounds=lambda now: bounds(("a10", 1, 4)) if now < edge else bounds(("t4", 1, 8)),
        startup_seconds=120,
    )
    world.add_ready("a10", 2)
    first_write = None
    for _ in range(400):
        world.step(rate=700.0)
        if first_write is None and world.counts()["t4"]:
            first_write = world.now
        assert world.ready_capacity() >= 700.0
    assert first_write == edge
    assert world.counts()["a10"] == 0
    assert world.ready_capacity() >= 700.0


class Handover(RuleBasedStateMachine):
    """13: a replica of the old pool never leaves before the new pool serves in its place, in any sequence of events."""

    @initialize()
    def begin(self) -> None:
        self.night = False
        self.rate = 700.0
        self.world = World(speeds={"a10": A10, "t4": T4}, bounds=self.bounds, startup_seconds=math.inf)
        self.world.add_ready("a10", 2)
        self.promise: Callable[[], None] = lambda: None

    def bounds(self, _: datetime) -> Bounds:
        return bounds(("t4", 1, 8)) if self.night else bounds(("a10", 1, 4))

    @rule(seconds=st.sampled_from([1, 5, 30, 90]), visible=st.booleans(), restart=st.booleans())
    def tick(self, *, seconds: int, visible: bool, restart: bool) -> None:
        before = self.world.ready_capacity()
        decision = self.world.step(rate=self.rate, seconds=seconds, visible=visible, restart=restart)
        after = self.world.ready_capacity()
        need = min(decision.required, before, self._goal_capacity(decision))
        self.promise = lambda: self._check(after, need)

    @rule(pool_name=st.sampled_from(["a10", "t4"]))
    def becomes_ready(self, pool_name: str) -> None:
        self._change(pool_name, ready_since=self.world.now)

    @rule(pool_name=st.sampled_from(["a10", "t4"]))
    def stops_being_ready(self, pool_name: str) -> None:
        self._change(pool_name, ready_since=None)

    @rule(parity=st.sampled_from(Parity))
    def answers(self, parity: Parity) -> None:
        self.world.pods["t4"] = [replace(pod, parity=parity) for pod in self.world.pods.get("t4", [])]

    @rule()
    def window_changes(self) -> None:
        self.night = not self.night

    @rule(rate=st.sampled_from([0.0, 300.0, 700.0, 2500.0]))
    def load_changes(self, rate: float) -> None:
        self.rate = rate

    @invariant()
    def capacity_is_kept(self) -> None:
        if hasattr(self, "promise"):
            self.promise()

    def _check(self, after: float, need: float) -> None:
        assert after >= need - 1e-3

    def _goal_capacity(self, decision: Decision) -> float:
        return sum(self.world.speeds[target.pool] * target.goal for target in decision.targets)

    def _change(self, pool_name: str, *, ready_since: datetime | None) -> None:
        pods = self.world.pods.get(pool_name, [])
        for number, pod in enumerate(pods):
            if (pod.ready_since is None) != (ready_since is None):
                pods[number] = replace(pod, ready_since=ready_since)
                return


TestHandover = Handover.TestCase
TestHandover.settings = settings(stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1)])
def test_a_jump_of_the_clock_removes_nothing(jump: timedelta) -> None:
    before = decide(observe(pool(ready=4), measured=load(rate=3000.0)))
    jumped = NOON + jump

    after = decide(observe(pool(ready=4), measured=load(rate=0.0, now=jumped), memory=before.memory, now=jumped))

    assert replicas(after.targets) == {"a10": 4}
