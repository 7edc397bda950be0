"""`decide`: from one observation to replicas per pool. Total and pure.

The order of the steps, each of which leaves a line in the trace:

0. learn      what replicas did since tells what one can do (`domain.learning`)
1. seed       what runs counts as the last requirement after a restart, a gap or a jump of the clock
2. measure    missing, stale or invalid figures hold the requirement and freeze every removal
3. demand     rate and queue (`domain.demand`), with a dead band between growing and shrinking
4. smooth     stabilisation windows and the limit of growth (steps 1 to 4: `domain.requirement`)
5. allocate   required capacity to pools within the bounds of the window (`domain.goal`, `domain.allocation`), past
              those where pods can not start (`domain.closing`), ahead of the next window (`domain.prewarm`), or none
              where the gateway holds the next request and there was none for long (`domain.idleness`)
6. hand over  raise first; remove only what others serve already (`domain.handover`)

Nothing shrinks on missing, stale, invalid or partial figures, and nothing shrinks because of a restart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.capacity.concurrency_knee import connection_limit
from embedding_operator.domain.capacity.learning import as_learned, learned_pools
from embedding_operator.domain.capacity.startup_time import p90_of_starts
from embedding_operator.domain.decision import Decision, PoolTarget, StepReason
from embedding_operator.domain.demand.requirement import requirement
from embedding_operator.domain.demand.stabilization import REMOVAL_STEP_SECONDS, step_in_progress
from embedding_operator.domain.load.skew import report_skew
from embedding_operator.domain.memory import Closure, LearnedPool, RateStep, ScalingMemory
from embedding_operator.domain.observation import Observation, Pool
from embedding_operator.domain.placement.allocation import order_of_removal
from embedding_operator.domain.placement.goal import Goal, goal_of
from embedding_operator.domain.placement.handover import SETTLE, Removal, remove, victims
from embedding_operator.domain.placement.pool_backoff import closures
from embedding_operator.domain.placement.prewarm import floors, prewarm_at, raised_pools
from embedding_operator.domain.placement.scale_to_zero import idle_time
from embedding_operator.domain.trace import Trace


def decide(observation: Observation) -> Decision:
    """Return what every pool should hold now, why, and what to remember."""
    learned = learned_pools(observation)
    pools = as_learned(observation.pools, learned)
    if pools != observation.pools:
        observation = replace(observation, pools=pools)
    trace = Trace()
    wanted = requirement(observation, trace=trace)
    required = wanted.tokens_per_second
    idle = idle_time(observation)
    report_skew(observation, trace=trace)
    closed = closures(observation)
    raised = raised_pools(observation.bounds)
    held = floors(observation, required=required, raised=raised, trace=trace)
    goal = goal_of(observation, required=required, idle=idle, closures=closed, floors=held, trace=trace)
    removal = _removal(observation, goal=goal, frozen=wanted.frozen, trace=trace)
    targets = _targets(observation, goal=goal.replicas, replicas=removal.replicas, learned=learned, trace=trace)
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
            blind_since=wanted.blind_since,
            queue_since=wanted.queue_since,
            stall=wanted.stall,
            closures=tuple([closed[name] for name in sorted(closed)]),
            floors=held,
            learned=tuple([learned[name] for name in sorted(learned)]),
        ),
        requeue_after=_requeue_after(observation, raised=raised, closures=closed),
        write=observation.policy.mode is ScalingMode.ACTIVE,
        connection_limit=connection_limit([each.knee for each in learned.values()]),
    )


def _removal(
    observation: Observation,
    *,
    goal: Goal,
    frozen: bool,
    trace: Trace,
) -> Removal:
    pools = order_of_removal(policy=observation.policy, allowances=observation.bounds.pools, pools=observation.pools)
    step = step_in_progress(
        observation.memory.removal if observation.memory is not None else None,
        now=observation.now,
        seconds=REMOVAL_STEP_SECONDS,
        capacity=observation.ready_capacity,
    )
    # A service that a window puts to sleep and that serves nobody has no figures to wait for.
    nothing_serves = observation.bounds.asleep and not any(pool.ready for pool in pools)
    paused = observation.policy.mode is ScalingMode.PAUSED
    if paused or (frozen and not nothing_serves):
        return _frozen(pools, goal=goal.replicas, step=step, paused=paused, trace=trace)
    return remove(
        pools,
        goal=goal.replicas,
        need=goal.need,
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


def _requeue_after(observation: Observation, *, raised: Sequence[str], closures: Mapping[str, Closure]) -> float:
    """Return the seconds until the clock alone can change the decision.

    That is a window edge or a start for one, a replica that settles, or a pool that opens.
    """
    now, unsettled = observation.now, observation.now - SETTLE
    moments = [
        pod.ready_since + SETTLE
        for pool in observation.pools
        for pod in pool.ready
        if pod.ready_since is not None and pod.ready_since > unsettled
    ]
    moments += [closure.until for closure in closures.values()]
    opens = observation.bounds.next_transition
    if opens is not None:
        leads = [pool.lead_seconds for pool in observation.pools if pool.name in raised]
        moments += [opens, *[prewarm_at(opens, lead_seconds=lead) for lead in leads]]
    first = min([moment for moment in moments if moment > now], default=None)
    return math.inf if first is None else (first - now).total_seconds()
