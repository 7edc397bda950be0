"""`decide`: from one observation to replicas per pool. Total and pure, to be read from top to bottom.

1. learn      capacity per replica, from the work since the last decision              `capacity.learning`
2. continue   from the last requirement; after a restart or a gap, from what runs      `demand.requirement`
3. signals    load, gaps, triggers, panic, hanging engines: each evaluated once        `demand.signals`
4. demand     what the load and external queues need, with a dead band                 `demand.requirement`
5. smooth     stabilization windows and the growth limit                               `demand.requirement`
6. place      required capacity on pools: within the bounds of the window, avoiding    `placement.goal`
              pools in backoff, ahead of the next window, or none where nothing is needed
7. hand over  add first; remove only replicas whose load others already serve          `placement.handover`

Each step returns its value and the `Step`s that explain it; `decide` combines them. A service does not shrink on
missing, stale, invalid or partial metrics, nor because of a restart.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.capacity.concurrency_knee import connection_limit
from embedding_operator.domain.capacity.learning import as_learned, learned_pools
from embedding_operator.domain.capacity.startup_time import hold_seconds, p90_of_starts
from embedding_operator.domain.decision import Decision, PoolTarget, Step, StepReason, step
from embedding_operator.domain.demand.requirement import demand, has_returned, last_requirement, smooth
from embedding_operator.domain.demand.signals import read_signals
from embedding_operator.domain.load.skew import skew
from embedding_operator.domain.memory import LearnedPool, ScalingMemory
from embedding_operator.domain.observation import Observation
from embedding_operator.domain.placement.goal import Placement, place
from embedding_operator.domain.placement.handover import REPLICA_SETTLE, hand_over, victims
from embedding_operator.domain.placement.prewarm import prewarm_at


def decide(observation: Observation) -> Decision:
    """Return what every pool should hold now, why, and what to remember."""
    learned = learned_pools(observation)
    observation = _as_learned(observation, learned=learned)
    last = last_requirement(observation)
    signals = read_signals(observation, last=last.memory)
    wanted = demand(signals, last=last.memory)
    required = smooth(wanted, signals=signals, last=last.memory)
    placement = place(observation, required=required.tokens_per_second, triggers=signals.triggers)
    goal = placement.goal
    removal = hand_over(observation, goal=goal.replicas, need=goal.need, frozen=signals.frozen)
    targets = _targets(observation, goal=goal.replicas, replicas=removal.replicas, learned=learned)
    return Decision(
        at=observation.now,
        required=required.tokens_per_second,
        targets=targets,
        steps=(
            *last.steps,
            *signals.steps,
            *wanted.steps,
            *required.steps,
            *skew(observation),
            *placement.steps,
            *removal.steps,
            *_target_steps(observation, targets=targets),
        ),
        memory=ScalingMemory(
            at=observation.now,
            required=required.tokens_per_second,
            buckets=required.buckets,
            growth=required.growth,
            removal=removal.limit,
            idle=placement.idle,
            panic_until=signals.panic.until,
            blind_since=signals.blind_since,
            returned_at=required.returned_at,
            gap_since=signals.gap_since,
            queue_since=signals.panic.queue_since,
            engine_hang=signals.hang,
            backoffs=tuple([placement.backoffs[name] for name in sorted(placement.backoffs)]),
            floors=placement.floors,
            learned=tuple([learned[name] for name in sorted(learned)]),
        ),
        requeue_after=_requeue_after(observation, placement=placement),
        write=observation.policy.mode is ScalingMode.ACTIVE,
        connection_limit=connection_limit([each.knee for each in learned.values()]),
    )


def _as_learned(observation: Observation, *, learned: Mapping[str, LearnedPool]) -> Observation:
    pools, policy = as_learned(observation.pools, learned), observation.policy
    if policy.down_follows_starts:
        allowed = [learned[each.pool] for each in observation.bounds.pools if each.pool in learned]
        returns = hold_seconds(allowed)
        if returns > policy.down_stabilization_seconds:
            hold = returns if has_returned(observation) else policy.down_stabilization_seconds
            policy = replace(policy, return_seconds=returns, down_stabilization_seconds=hold)
    if policy is observation.policy and pools == observation.pools:
        return observation
    return replace(observation, pools=pools, policy=policy)


def _targets(
    observation: Observation,
    *,
    goal: Mapping[str, int],
    replicas: Mapping[str, int],
    learned: Mapping[str, LearnedPool],
) -> tuple[PoolTarget, ...]:
    return tuple(
        [
            PoolTarget(
                pool=pool.name,
                replicas=replicas[pool.name],
                goal=goal.get(pool.name, 0),
                ready=len(pool.ready),
                starting=pool.starting,
                stuck=len(pool.stuck),
                tokens_per_second=pool.tokens_per_second,
                is_learned=learned[pool.name].tokens_per_second is not None,
                start_seconds=p90_of_starts(learned[pool.name], warm=pool.starts_warm),
                victims=victims(pool, count=max(0, pool.replicas - replicas[pool.name]), now=observation.now),
            )
            for pool in sorted(observation.pools, key=lambda pool: pool.name)
        ]
    )


def _target_steps(observation: Observation, *, targets: tuple[PoolTarget, ...]) -> tuple[Step, ...]:
    held = {pool.name: pool.replicas for pool in observation.pools}
    steps = [
        step(
            StepReason.ALLOCATED,
            f"{each.pool}: {held[each.pool]} to {each.replicas} replicas",
            before=held[each.pool],
            after=each.replicas,
            pool=each.pool,
        )
        for each in targets
        if each.replicas != held[each.pool]
    ]
    if observation.policy.mode is ScalingMode.ADVISORY:
        steps.append(step(StepReason.ADVISORY, "replicas are reported, not written", before=0, after=0))
    return tuple(steps)


def _requeue_after(observation: Observation, *, placement: Placement) -> float:
    """Return the seconds until the clock alone can change the decision.

    That is a window edge or its prewarm start, a replica that has settled, or the end of a pool's backoff.
    """
    now, unsettled = observation.now, observation.now - REPLICA_SETTLE
    moments = [
        pod.ready_since + REPLICA_SETTLE
        for pool in observation.pools
        for pod in pool.ready
        if pod.ready_since is not None and pod.ready_since > unsettled
    ]
    moments += [backoff.until for backoff in placement.backoffs.values()]
    opens = observation.bounds.next_transition
    if opens is not None:
        startups = [pool.startup_seconds for pool in observation.pools if pool.name in placement.raised]
        moments += [opens, *[prewarm_at(opens, startup_seconds=startup) for startup in startups]]
    first = min([moment for moment in moments if moment > now], default=None)
    return math.inf if first is None else (first - now).total_seconds()
