"""`decide`: from one observation to replicas per pool. Total and pure.

The order of the steps, each of which leaves a line in the trace:

0. learn      what replicas did since tells what one can do (`domain.learning`)
1. seed       what runs counts as the last requirement after a restart, a gap or a jump of the clock
2. measure    missing, stale or invalid figures hold the requirement and freeze every removal
3. demand     rate and queue (`domain.demand`), with a dead band between growing and shrinking
4. smooth     stabilisation windows and the limit of growth (steps 1 to 4: `domain.requirement`)
5. allocate   required capacity to pools within the bounds of the window (`domain.allocation`), or none where the
              gateway holds the next request and there was none for long (`domain.idleness`)
6. hand over  raise first; remove only what others serve already (`domain.handover`)

Nothing shrinks on missing, stale, invalid or partial figures, and nothing shrinks because of a restart.
"""

import math
from dataclasses import replace
from datetime import timedelta

from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.allocation import allocated, coverage, order_of_removal, pool_of_the_first
from embedding_operator.domain.cheapest import TOLERANCE
from embedding_operator.domain.decision import Decision, PoolTarget, StepReason
from embedding_operator.domain.handover import SETTLE_SECONDS, Removal, remove, victims
from embedding_operator.domain.idleness import has_no_replica, idle_time, needs_none
from embedding_operator.domain.knee import connection_limit
from embedding_operator.domain.leads import p90_of_starts
from embedding_operator.domain.learning import as_learned, learned_pools
from embedding_operator.domain.memory import Idle, LearnedPool, RateStep, ScalingMemory
from embedding_operator.domain.observation import Bounds, GatewayLoad, Observation, Pool
from embedding_operator.domain.requirement import requirement
from embedding_operator.domain.stabilization import REMOVAL_STEP_SECONDS, step_in_progress
from embedding_operator.domain.trace import Trace
from embedding_operator.domain.triggers import asked_for, sentence


def decide(observation: Observation) -> Decision:
    """Return what every pool should hold now, why, and what to remember."""
    learned = learned_pools(observation)
    observation = replace(observation, pools=as_learned(observation.pools, learned))
    trace = Trace()
    wanted = requirement(observation, trace=trace)
    required = wanted.tokens_per_second
    idle = idle_time(observation)
    goal = _goal(observation, required=required, idle=idle, trace=trace)
    removal = _removal(observation, goal=goal, frozen=wanted.frozen, trace=trace)
    targets = _targets(observation, goal=goal, replicas=removal.replicas, learned=learned, trace=trace)
    return Decision(
        at=observation.now,
        required=required,
        targets=targets,
        steps=trace.steps(),
        memory=ScalingMemory(
            at=observation.now,
            required=required,
            buckets=wanted.buckets,
            growth=wanted.growth,
            removal=removal.step,
            idle=idle,
            panic_until=wanted.panic_until,
            learned=tuple(learned[name] for name in sorted(learned)),
        ),
        requeue_after=_requeue_after(observation),
        write=observation.policy.mode is ScalingMode.ACTIVE,
        connection_limit=connection_limit(each.knee for each in learned.values()),
    )


def _goal(observation: Observation, *, required: float, idle: Idle | None, trace: Trace) -> dict[str, int]:
    """Return the replicas per pool to end at, within the bounds of the window."""
    bounds = observation.bounds
    if bounds.asleep:
        message = f"window {bounds.window} holds no replicas{_and_requests(observation.gateway)}"
        trace.add(StepReason.ASLEEP, message, before=required, after=0.0)
        return {}
    speed = {pool.name: pool.tokens_per_second for pool in observation.pools}
    allowances = [allowance for allowance in bounds.pools if allowance.pool in speed]
    if idle is not None and needs_none(observation, idle=idle, required=required):
        trace.add(StepReason.IDLE, _why_none(observation, idle=idle), before=required, after=0.0)
        return dict.fromkeys(speed, 0)
    policy, pools = observation.policy, observation.pools
    goal = allocated(required, policy=policy, allowances=allowances, pools=pools, trace=trace)
    if allowances and not any(goal.values()):
        first = pool_of_the_first(policy=policy, allowances=allowances, pools=pools)
        goal[first] = 1
        _trace_one(observation, pool=first, idle=idle, trace=trace)
    _trace_wake(observation, goal=goal, trace=trace)
    covered = coverage(goal, tokens_per_second=speed)
    floor = coverage({allowance.pool: allowance.min_replicas for allowance in allowances}, tokens_per_second=speed)
    if covered < required - TOLERANCE:
        message = f"maxReplicas{_of_window(bounds)} allows less than is required"
        trace.add(StepReason.AT_MAXIMUM, message, before=required, after=covered)
    elif floor > required + TOLERANCE:
        message = f"minReplicas{_of_window(bounds)} asks for more than is required"
        trace.add(StepReason.AT_MINIMUM, message, before=required, after=floor)
    return goal


def _and_requests(gateway: GatewayLoad | None) -> str:
    held = 0.0 if gateway is None else gateway.waiting
    return f": {held:.0f} requests are held until it closes" if held > 0 else ""


def _why_none(observation: Observation, *, idle: Idle) -> str:
    held = 0.0 if observation.gateway is None else observation.gateway.outstanding
    if held > 0:
        return f"{held:.0f} requests are held: more than scaling.activationRequests start a replica"
    return f"no request came since {idle.since:%Y-%m-%d %H:%M:%S} UTC: no replica is needed until one comes"


def _trace_one(observation: Observation, *, pool: str, idle: Idle | None, trace: Trace) -> None:
    """Say why one replica stays, or starts, that the load does not ask for."""
    seconds = observation.policy.idle_seconds
    if observation.gateway is None or not observation.gateway.holds:
        why = "requests to none would fail"
    elif idle is None:
        why = "requests come, or what comes is not known"
    else:
        why = f"requests came until {idle.since:%Y-%m-%d %H:%M:%S} UTC, it leaves {seconds:.0f} s after the last"
    message = f"one replica of {pool} stays: {why}"
    trace.add(StepReason.KEEP_ONE, message, before=0, after=1, pool=pool)


def _trace_wake(observation: Observation, *, goal: dict[str, int], trace: Trace) -> None:
    if not has_no_replica(observation):
        return
    asked, gateway = asked_for(observation.triggers, now=observation.now), observation.gateway
    if asked.strongest is not None:
        message = f"{sentence(asked)}, and there is none"
        trace.add(StepReason.WAKE, message, before=0, after=sum(goal.values()))
    if gateway is None or gateway.outstanding <= 0:
        return
    message = f"{gateway.outstanding:.0f} requests are held and there is no replica"
    trace.add(StepReason.WAKE, message, before=0, after=sum(goal.values()))


def _of_window(bounds: Bounds) -> str:
    return "" if bounds.window is None else f" of window {bounds.window}"


def _removal(
    observation: Observation,
    *,
    goal: dict[str, int],
    frozen: bool,
    trace: Trace,
) -> Removal:
    pools = order_of_removal(policy=observation.policy, allowances=observation.bounds.pools, pools=observation.pools)
    step = step_in_progress(
        observation.memory.removal if observation.memory is not None else None,
        now=observation.now,
        seconds=REMOVAL_STEP_SECONDS,
        capacity=sum(pool.ready_capacity for pool in pools),
    )
    # A service that a window puts to sleep and that serves nobody has no figures to wait for.
    nothing_serves = observation.bounds.asleep and not any(pool.ready for pool in pools)
    paused = observation.policy.mode is ScalingMode.PAUSED
    if paused or (frozen and not nothing_serves):
        return _frozen(pools, goal=goal, step=step, paused=paused, trace=trace)
    speed = {pool.name: pool.tokens_per_second for pool in pools}
    return remove(
        pools,
        goal=goal,
        need=coverage(goal, tokens_per_second=speed),
        now=observation.now,
        step=step,
        share_per_minute=observation.policy.down_share_per_minute,
        trace=trace,
    )


def _frozen(pools: tuple[Pool, ...], *, goal: dict[str, int], step: RateStep, paused: bool, trace: Trace) -> Removal:
    replicas = {}
    for pool in pools:
        wanted = goal.get(pool.name, 0)
        replicas[pool.name] = pool.replicas if paused else max(wanted, pool.replicas)
        # a pause is said even where it holds nothing back yet: who looks must not take the service for one that scales
        if paused or replicas[pool.name] != wanted:
            reason = StepReason.PAUSED if paused else StepReason.DOWN_FROZEN
            message = f"{pool.name}: replicas are held"
            trace.add(reason, message, before=wanted, after=replicas[pool.name], pool=pool.name)
    return Removal(replicas=replicas, step=step)


def _targets(
    observation: Observation,
    *,
    goal: dict[str, int],
    replicas: dict[str, int],
    learned: dict[str, LearnedPool],
    trace: Trace,
) -> tuple[PoolTarget, ...]:
    targets = []
    for pool in sorted(observation.pools, key=lambda pool: pool.name):
        target = replicas[pool.name]
        if target != pool.replicas:
            message = f"{pool.name}: {pool.replicas} to {target} replicas"
            trace.add(StepReason.ALLOCATED, message, before=pool.replicas, after=target, pool=pool.name)
        targets.append(
            PoolTarget(
                pool=pool.name,
                replicas=target,
                goal=goal.get(pool.name, 0),
                ready=len(pool.ready),
                starting=pool.starting,
                stuck=len(pool.stuck),
                tokens_per_second=pool.tokens_per_second,
                is_learned=learned[pool.name].tokens_per_second is not None,
                start_seconds=p90_of_starts(learned[pool.name], warm=pool.starts_warm),
                victims=victims(pool, count=max(0, pool.replicas - target)),
            )
        )
    if observation.policy.mode is ScalingMode.ADVISORY:
        trace.add(StepReason.ADVISORY, "replicas are reported, not written", before=0, after=0)
    return tuple(targets)


def _requeue_after(observation: Observation) -> float:
    """Return the seconds until the clock alone can change the decision: a window edge, or a replica that settles."""
    now = observation.now
    moments = [
        pod.ready_since + timedelta(seconds=SETTLE_SECONDS)
        for pool in observation.pools
        for pod in pool.ready
        if pod.ready_since is not None
    ]
    if observation.bounds.next_transition is not None:
        moments.append(observation.bounds.next_transition)
    return min(((moment - now).total_seconds() for moment in moments if moment > now), default=math.inf)
