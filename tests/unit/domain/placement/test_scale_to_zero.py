"""To zero and back: what the gateway must report, and for how long, before the last replica leaves or one starts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.memory import IdleTime, ScalingMemory
from embedding_operator.domain.observation import GatewayLoad, Observation, ScalingPolicy
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.load.gateways import gateways
from tests.world.builders import NOON
from tests.world.observations import T4, at, bounds, gateway, idle_for, load, observe, pool, replicas, settled_memory

FREE = bounds(("a10", 0, 4), ("t4", 0, 4))
NOTHING = load(reporting=0)
ASLEEP = idle_for(3600.0)
LONG_AGO = NOON - timedelta(hours=6)


def resting(**changes: object) -> Observation:
    """Return an idle service on its last replica, whose idle time is over."""
    scene = observe(pool(ready=1), allowed=FREE, measured=load(), heard=gateway(), memory=idle_for(600.0))
    return replace(scene, **changes)  # type: ignore[arg-type]


def sleeping(**changes: object) -> Observation:
    """Return an idle service without replicas."""
    scene = observe(pool(), allowed=FREE, measured=NOTHING, heard=gateway(), memory=ASLEEP)
    return replace(scene, **changes)  # type: ignore[arg-type]


TO_ZERO: list[tuple[str, Observation, int, StepReason]] = [
    ("after the idle time the last replica leaves", resting(), 0, StepReason.IDLE),
    ("before it, it stays", resting(memory=idle_for(590.0)), 1, StepReason.KEEP_ONE),
    ("without a gateway it stays", resting(gateway=None), 1, StepReason.KEEP_ONE),
    (
        "with a gateway that holds no requests it stays",
        resting(gateway=replace(gateway(), holds=False)),
        1,
        StepReason.KEEP_ONE,
    ),
    (
        "a minimum is a minimum",
        resting(bounds=bounds(("a10", 0, 4), ("t4", 1, 4)), pools=(pool(), pool("t4", ready=1, speed=T4))),
        1,
        StepReason.AT_MINIMUM,
    ),
    ("a request that is being served keeps it", resting(gateway=gateway(outstanding=1)), 1, StepReason.KEEP_ONE),
    ("a request that just was there keeps it", resting(gateway=gateway(quiet_since=at(-2))), 1, StepReason.KEEP_ONE),
    (
        "a gateway pod that does not answer keeps it",
        resting(gateway=gateway(answering=1)),
        1,
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "a gateway pod that restarted keeps it",
        resting(gateway=gateway(reporting=1)),
        1,
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "a gateway without a Ready pod keeps it",
        resting(gateway=gateway(answering=0, expected=0)),
        1,
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "a request rate that is not known keeps it",
        resting(gateway=gateway(rate=None)),
        1,
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    (
        "an engine that does not report keeps it",
        resting(load=load(reporting=0, expected=1)),
        1,
        StepReason.PARTIAL_METRICS_NO_DOWN,
    ),
    ("engines that are busy past the gateway keep it", resting(load=load(rate=300.0)), 1, StepReason.RATE_DEMAND),
    ("after a restart without memory it stays", resting(memory=None), 1, StepReason.RESTART_SEEDED),
    (
        "after a restart with an old memory it stays",
        resting(memory=idle_for(3600.0)._replace(at=at(-61))),
        1,
        StepReason.RESTART_SEEDED,
    ),
    (
        "a start that goes on keeps it",
        resting(pools=(pool(starting=1),), load=NOTHING),
        1,
        StepReason.KEEP_ONE,
    ),
    (
        "one of two leaves first",
        resting(pools=(pool(ready=2),), memory=idle_for(3600.0)),
        1,
        StepReason.KEEP_ONE,
    ),
    (
        "what is still required keeps it",
        resting(memory=idle_for(3600.0, required=900.0)._replace(buckets=()), load=load(rate=540.0)),
        1,
        StepReason.IN_BAND,
    ),
    (
        "paused keeps it",
        resting(policy=ScalingPolicy(mode=ScalingMode.PAUSED)),
        1,
        StepReason.PAUSED,
    ),
    (
        "a pool that the window does not allow needs no successor",
        resting(bounds=bounds(("t4", 0, 4)), pools=(pool(ready=1), pool("t4", speed=T4))),
        0,
        StepReason.IDLE,
    ),
]

FROM_ZERO: list[tuple[str, Observation, int, StepReason]] = [
    ("no request comes", sleeping(), 0, StepReason.IDLE),
    ("a held request wakes", sleeping(gateway=gateway(waiting=1)), 1, StepReason.WAKE),
    (
        "a held request wakes, whatever the demand is allowed to do",
        sleeping(gateway=gateway(waiting=1), load=load(queue=1), policy=ScalingPolicy(up_stabilization_seconds=60)),
        1,
        StepReason.WAKE,
    ),
    (
        "a held request of one pod wakes while the other is silent",
        sleeping(gateway=gateway(waiting=1, answering=1)),
        1,
        StepReason.WAKE,
    ),
    ("many held requests wake more", sleeping(gateway=gateway(waiting=20), load=load(queue=20)), 3, StepReason.WAKE),
    (
        "a request that gave up wakes all the same",
        sleeping(gateway=gateway(last_arrival=at(-1), quiet_since=at(-1))),
        1,
        StepReason.KEEP_ONE,
    ),
    (
        "the request before the sleep does not wake",
        sleeping(gateway=gateway(last_arrival=at(-20), quiet_since=at(-20))),
        0,
        StepReason.IDLE,
    ),
    (
        "as many as activationRequests do not wake",
        sleeping(gateway=gateway(waiting=5), load=load(queue=5), policy=ScalingPolicy(activation_requests=5)),
        0,
        StepReason.IDLE,
    ),
    (
        "one more does",
        sleeping(gateway=gateway(waiting=6), load=load(queue=6), policy=ScalingPolicy(activation_requests=5)),
        1,
        StepReason.WAKE,
    ),
    ("a restart of the gateway does not wake", sleeping(gateway=gateway(reporting=0)), 0, StepReason.IDLE),
    ("a silent gateway does not wake at once", sleeping(gateway=gateway(answering=1)), 0, StepReason.IDLE),
    *[
        (
            f"not even a gateway of which {answering} of 2 pods have answered for an hour",
            sleeping(
                gateway=gateway(answering=answering),
                load=None,
                memory=ASLEEP._replace(idle=IdleTime(since=LONG_AGO, until=at(-3600))),
            ),
            0,
            StepReason.IDLE,
        )
        for answering in (0, 1)
    ],
    (
        "a poke of a gateway that is not heard does: it holds a request",
        sleeping(
            gateway=gateway(answering=0),
            load=None,
            poked_at=at(-1),
            memory=ASLEEP._replace(idle=IdleTime(since=LONG_AGO, until=at(-61))),
        ),
        1,
        StepReason.KEEP_ONE,
    ),
    ("a poke of a gateway that has nothing any more does not", sleeping(poked_at=at(-1)), 0, StepReason.IDLE),
    (
        "nor does one from before it was last heard",
        sleeping(
            gateway=gateway(answering=1),
            poked_at=at(-62),
            memory=ASLEEP._replace(idle=IdleTime(since=LONG_AGO, until=at(-61))),
        ),
        0,
        StepReason.IDLE,
    ),
    (
        "a restart of the operator with its memory does not wake",
        sleeping(memory=ASLEEP._replace(at=at(-7200), idle=IdleTime(since=LONG_AGO, until=at(-7200)))),
        0,
        StepReason.IDLE,
    ),
    (
        "not even before it has polled any gateway",
        sleeping(
            gateway=gateway(answering=0),
            load=None,
            memory=ASLEEP._replace(at=at(-7200), idle=IdleTime(since=LONG_AGO, until=at(-7200))),
        ),
        0,
        StepReason.IDLE,
    ),
    ("without memory one replica starts", sleeping(memory=None), 1, StepReason.KEEP_ONE),
    ("a new service starts one replica", sleeping(memory=settled_memory(0.0)), 1, StepReason.KEEP_ONE),
    ("without the gateway one replica starts", sleeping(gateway=None), 1, StepReason.KEEP_ONE),
    (
        "with a gateway that holds no requests one replica starts",
        sleeping(gateway=replace(gateway(), holds=False)),
        1,
        StepReason.KEEP_ONE,
    ),
    ("a minimum is a minimum", sleeping(bounds=bounds(("a10", 2, 4))), 2, StepReason.AT_MINIMUM),
    (
        "a window that sleeps is not woken",
        sleeping(bounds=bounds(asleep=True), gateway=gateway(waiting=9), load=load(queue=9)),
        0,
        StepReason.ASLEEP,
    ),
    (
        "the end of that window alone does not wake",
        sleeping(memory=idle_for(8 * 3600.0)),
        0,
        StepReason.IDLE,
    ),
]


@pytest.mark.parametrize(
    ("observation", "expected", "reason"),
    [row[1:] for row in (*TO_ZERO, *FROM_ZERO)],
    ids=[row[0] for row in (*TO_ZERO, *FROM_ZERO)],
)
def test_decision(observation: Observation, expected: int, reason: StepReason) -> None:
    decision = decide(observation)

    assert sum(replicas(decision.targets).values()) == expected
    assert reason in decision.reasons()


def test_the_first_pool_in_order_starts() -> None:
    scene = sleeping(pools=(pool("t4", speed=T4), pool()), gateway=gateway(waiting=1), load=load(queue=1))
    assert replicas(decide(scene).targets) == {"a10": 1, "t4": 0}


def test_every_step_is_a_sentence() -> None:
    said = {step.reason: step.message for _, scene, _, _ in (*TO_ZERO, *FROM_ZERO) for step in decide(scene).steps}
    assert said[StepReason.WAKE] == "6 requests are held, but there is no replica"
    assert said[StepReason.ASLEEP] == "window night holds no replicas: 9 requests are held until it closes"
    assert said[StepReason.IDLE].startswith("no request has arrived since 2026-06-03 03:59:55 UTC")


# Over time


def run(scene: Observation, *steps: tuple[float, GatewayLoad | None]) -> tuple[list[int], ScalingMemory]:
    """Decide and act at the given seconds after noon; return the replicas after each decision, and the last memory."""
    counts = []
    for seconds, heard in steps:
        now = at(seconds)
        quiet = heard is not None and heard.outstanding == 0
        scene = replace(scene, now=now, gateway=heard, load=load(now=now, queue=0 if quiet else 1))
        decision = decide(scene)
        count = sum(replicas(decision.targets).values())
        scene = replace(scene, pools=(pool(ready=count),), memory=decision.memory)
        counts.append(count)
    assert scene.memory is not None
    return counts, scene.memory


def heard_at(seconds: float, **figures: object) -> GatewayLoad:
    return gateway(sampled_at=at(seconds), **{"quiet_since": LONG_AGO, **figures})  # type: ignore[arg-type]


def test_a_service_goes_to_zero_when_it_was_idle_for_the_whole_time_and_not_before() -> None:
    begin = observe(pool(ready=1), allowed=FREE, policy=ScalingPolicy(down_stabilization_seconds=0))
    ticks = [(5.0 * tick, heard_at(5.0 * tick)) for tick in range(130)]

    counts, _ = run(begin, *ticks)

    assert counts == [1] * 120 + [0] * 10


def test_one_request_starts_the_time_anew() -> None:
    begin = observe(pool(ready=1), allowed=FREE, policy=ScalingPolicy(down_stabilization_seconds=0, idle_seconds=60))
    ticks = [(5.0 * tick, heard_at(5.0 * tick)) for tick in range(30)]
    ticks[8] = (40.0, heard_at(40.0, quiet_since=at(39)))

    counts, _ = run(begin, *ticks)

    assert counts == [1] * 20 + [0] * 10


def test_a_tick_without_the_gateway_starts_the_time_anew() -> None:
    begin = observe(pool(ready=1), allowed=FREE, policy=ScalingPolicy(down_stabilization_seconds=0, idle_seconds=60))
    ticks = [(5.0 * tick, heard_at(5.0 * tick)) for tick in range(30)]
    ticks[8] = (40.0, heard_at(40.0, answering=1))

    counts, _ = run(begin, *ticks)

    assert counts == [1] * 21 + [0] * 9


TICKS = ("quiet", "quiet", "quiet", "quiet", "request", "held", "silent", "partial", "restarted", "lost memory")


@given(st.lists(st.sampled_from(TICKS), min_size=40, max_size=120), st.sampled_from([10.0, 60.0, 120.0]))
def test_whatever_happens_the_service_sleeps_after_quiet_alone_and_wakes_for_whoever_is_held(
    ticks: list[str], idle_seconds: float
) -> None:
    scene = observe(
        pool(ready=1), allowed=FREE, policy=ScalingPolicy(down_stabilization_seconds=0, idle_seconds=idle_seconds)
    )
    last_request = NOON
    for tick, happening in enumerate(ticks):
        seconds = 5.0 * tick
        now = at(seconds)
        held = 1.0 if happening == "held" else 0.0
        if happening in {"request", "held", "restarted"}:
            last_request = now
        heard = heard_at(
            seconds,
            waiting=held,
            quiet_since=last_request,
            last_arrival=now if happening == "request" else None,
            answering={"silent": 0, "partial": 1}.get(happening, 2),
            reporting={"silent": 0, "partial": 1, "restarted": 1}.get(happening, 2),
        )
        before = scene.pools[0].replicas
        memory = None if happening == "lost memory" else scene.memory
        scene = replace(scene, now=now, gateway=heard, load=load(now=now, queue=held), memory=memory)
        decision = decide(scene)
        count = sum(replicas(decision.targets).values())
        if before and not count:
            recent = ticks[tick - round(idle_seconds / 5.0) + 1 : tick + 1]
            assert set(recent) == {"quiet"}
        if happening in {"held", "request"}:
            assert count >= 1
        if happening == "restarted":
            assert count == before
        scene = replace(scene, pools=(pool(ready=count),), memory=decision.memory)


@st.composite
def scenes(draw: st.DrawFn) -> Observation:
    idle = draw(st.none() | st.integers(0, 4000).map(lambda age: IdleTime(since=at(-age - 5), until=at(-5))))
    memory = draw(st.none() | st.builds(settled_memory, st.sampled_from([0.0, 900.0])))
    ready, starting = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    return observe(
        pool(ready=ready, starting=starting),
        allowed=draw(st.sampled_from([FREE, bounds(("a10", 1, 4))])),
        measured=draw(st.none() | st.builds(load, rate=st.sampled_from([0.0, 700.0]), reporting=st.just(ready))),
        heard=draw(st.none() | gateways()),
        memory=None if memory is None else memory._replace(idle=idle),
        policy=ScalingPolicy(activation_requests=draw(st.sampled_from([0, 3]))),
    )


@given(scenes())
def test_the_last_replica_leaves_only_on_full_knowledge_of_idleness(scene: Observation) -> None:
    have = sum(made.replicas for made in scene.pools)
    if have == 0 or any(replicas(decide(scene).targets).values()):
        return
    assert have == 1
    assert scene.gateway is not None
    assert scene.gateway.is_complete
    assert scene.gateway.outstanding == 0
    assert scene.memory is not None
    assert scene.memory.idle is not None
    assert scene.gateway.quiet_since is not None
    assert scene.gateway.quiet_since <= scene.memory.idle.until
    assert scene.now - scene.memory.idle.since >= timedelta(seconds=scene.policy.idle_seconds)


@given(scenes(), st.sampled_from(["silent", "partial", "restarted", "none Ready"]))
def test_a_gateway_of_which_less_is_known_never_scales_down(scene: Observation, gap: str) -> None:
    known = scene.gateway or gateway()
    broken = {
        "silent": replace(known, answering=0, reporting=0, expected=2, sampled_at=None, requests_per_second=None),
        "partial": replace(known, answering=1, reporting=1, expected=2),
        "restarted": replace(known, answering=2, reporting=1, expected=2),
        "none Ready": replace(known, answering=0, reporting=0, expected=0),
    }[gap]
    scene = replace(scene, gateway=broken)

    for target in decide(scene).targets:
        assert target.replicas >= next(made.replicas for made in scene.pools if made.name == target.pool)


@given(scenes(), st.integers(4, 100))
def test_whoever_is_held_wakes_the_service(scene: Observation, held: int) -> None:
    asleep = replace(scene, pools=(pool(),), gateway=gateway(waiting=held), load=load(queue=held))

    assert sum(replicas(decide(asleep).targets).values()) >= 1


@given(scenes())
def test_without_a_gateway_nothing_goes_to_zero(scene: Observation) -> None:
    assert sum(replicas(decide(replace(scene, gateway=None)).targets).values()) >= 1
