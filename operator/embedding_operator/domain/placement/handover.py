"""Make before break: decides which replicas may be removed now.

Pools with more replicas than their goal lose them one by one, the least preferred pool first. A replica that is not
Ready may be removed at once. A Ready one is removed only if the remaining ones still serve

    need = capacity of the goal

which is what the load requires within the bounds of the window, including their minimum: a service without requests at
the moment is not left without replicas while others start. A replica of a pool that takes over counts only once it is
settled: Ready for 30 s and, if it replaces another pool, answering a probe embedding as that pool does. Nothing is
stored: the rule applies in every state, so a restart in the middle of a handover is safe. At most a share of the ready
capacity is removed per minute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.domain.decision import Step, StepReason, step
from embedding_operator.domain.memory import RateLimitStep, step_in_progress
from embedding_operator.domain.observation import Observation, Parity, Pool, Replica
from embedding_operator.domain.placement.allocation import order_of_removal
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE

REPLICA_SETTLE = timedelta(seconds=30)
REMOVAL_STEP_SECONDS = 60.0


class Removal(NamedTuple):
    """Replicas to write per pool, and the state of the removal limit afterwards."""

    replicas: dict[str, int]
    limit: RateLimitStep
    steps: tuple[Step, ...] = ()


def settled(pod: Replica, *, now: datetime) -> bool:
    """Return whether `pod` has been Ready for long enough that other replicas may be removed."""
    return pod.ready_since is not None and now - pod.ready_since >= REPLICA_SETTLE


def takes_over(pools: Sequence[Pool], *, goal: Mapping[str, int]) -> bool:
    """Return whether Ready replicas of one pool are to leave while another pool has replicas to serve in their place.

    Another pool counts even if some of its own replicas are to leave as well: they prove nothing by being too many.
    """
    leaving = {pool.name for pool in pools if goal.get(pool.name, 0) < len(pool.ready)}
    return any(replicas > 0 and leaving - {pool} for pool, replicas in goal.items())


def hand_over(observation: Observation, *, goal: Mapping[str, int], need: float, frozen: bool) -> Removal:
    """Return the replicas to write: growing pools at their goal, the others without the replicas that may be removed.

    `need` is the capacity that must stay Ready, in tokens per second. If the demand is `frozen`, none is removed.
    """
    policy = observation.policy
    pools = order_of_removal(policy=policy, allowances=observation.bounds.pools, pools=observation.pools)
    limit = step_in_progress(
        observation.memory.removal if observation.memory is not None else None,
        now=observation.now,
        seconds=REMOVAL_STEP_SECONDS,
        capacity=observation.ready_capacity,
    )
    # A service in an asleep window without a Ready replica has no metrics to wait for.
    nothing_serves = observation.bounds.asleep and not any(pool.ready for pool in pools)
    paused = policy.mode is ScalingMode.PAUSED
    if paused or (frozen and not nothing_serves):
        return _held(pools, goal=goal, limit=limit, paused=paused)
    share = policy.down_share_per_minute
    return _removed(pools, goal=goal, need=need, now=observation.now, limit=limit, share=share)


def _held(pools: Sequence[Pool], *, goal: Mapping[str, int], limit: RateLimitStep, paused: bool) -> Removal:
    """Return the replicas if none may be removed and, if scaling is `paused`, none may start either."""
    replicas, steps = {}, []
    for pool in pools:
        wanted = goal.get(pool.name, 0)
        replicas[pool.name] = pool.replicas if paused else max(wanted, pool.replicas)
        # A pause is reported even if it holds nothing back yet: otherwise the service would appear to be scaling.
        if paused or replicas[pool.name] != wanted:
            reason = StepReason.PAUSED if paused else StepReason.DOWN_FROZEN
            message = f"{pool.name}: replicas are held"
            steps.append(step(reason, message, before=wanted, after=replicas[pool.name], pool=pool.name))
    return Removal(replicas, limit, tuple(steps))


@dataclass(slots=True, kw_only=True)
class _Serving:
    """The replicas that count as serving while others are removed."""

    counted: dict[str, int]
    capacity: dict[str, float]

    def total(self) -> float:
        return sum(count * self.capacity[pool] for pool, count in self.counted.items())


def _removed(
    pools: Sequence[Pool], *, goal: Mapping[str, int], need: float, now: datetime, limit: RateLimitStep, share: float
) -> Removal:
    """Return the replicas without those that may be removed; `pools` are in order of removal."""
    wishes = {pool.name: goal.get(pool.name, 0) for pool in pools}
    replicas = {pool.name: max(wishes[pool.name], min(pool.replicas, len(pool.ready))) for pool in pools}
    if replicas == wishes:
        return Removal(replicas, limit)
    serving = _serving(pools, now=now, handover=takes_over(pools, goal=goal))
    steps = []
    for pool in pools:
        wanted, kept = wishes[pool.name], replicas[pool.name]
        while kept > wanted:
            lost = pool.tokens_per_second if kept <= serving.counted[pool.name] else 0.0
            if serving.total() - lost < need - TOLERANCE:
                message = f"{pool.name}: {kept - wanted} Ready replicas stay until others serve {need:.0f} tokens/s"
                steps.append(step(StepReason.HANDOVER_HOLD, message, before=wanted, after=kept, pool=pool.name))
                break
            if not _within_limit(pool, limit=limit, share=share):
                message = f"{pool.name}: at most {share:.0%} of the ready capacity is removed per minute"
                steps.append(step(StepReason.DOWN_RATE_LIMITED, message, before=wanted, after=kept, pool=pool.name))
                break
            kept -= 1
            serving.counted[pool.name] = min(serving.counted[pool.name], kept)
            limit = limit._replace(removed=limit.removed + pool.tokens_per_second)
        replicas[pool.name] = kept
    return Removal(replicas, limit, tuple(steps))


def _serving(pools: Sequence[Pool], *, now: datetime, handover: bool) -> _Serving:
    """Count every Ready replica if pools only shrink, but only proven ones during a handover."""
    return _Serving(
        counted={
            pool.name: min(pool.replicas, sum(1 for pod in pool.ready if not handover or _proven(pod, now=now)))
            for pool in pools
        },
        capacity={pool.name: pool.tokens_per_second for pool in pools},
    )


def _proven(pod: Replica, *, now: datetime) -> bool:
    return settled(pod, now=now) and pod.parity is Parity.PASSED


def _within_limit(pool: Pool, *, limit: RateLimitStep, share: float) -> bool:
    """Return whether one more replica of `pool` may be removed; the first one in a minute always may."""
    first = limit.removed == 0
    return first or limit.removed + pool.tokens_per_second <= share * limit.capacity + TOLERANCE


def victims(pool: Pool, *, count: int, now: datetime) -> tuple[str, ...]:
    """Return the `count` pods of `pool` whose removal costs least.

    Not Ready before Ready ones, stuck ones first; then those that are not proven to serve in place of others; then the
    idle, then the young.
    """
    if count == 0:
        return ()
    ranked = sorted(
        pool.pods,
        key=lambda pod: (
            pod.ready_since is not None,
            pod.stuck is None,
            _proven(pod, now=now),
            pod.in_flight,
            -pod.created_at.timestamp(),
            pod.name,
        ),
    )
    return tuple(pod.name for pod in ranked[:count])
