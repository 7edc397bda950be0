"""Make before break: which replicas may leave now.

A pool with more replicas than its goal gives them up one by one, the least preferred pool first. A replica that is not
Ready may go at once. A Ready one goes only if what stays still serves

    need = capacity of the goal

which is what the load requires within the bounds of the window, their minimum included: a service that nobody calls
just now is not left without replicas while others start. There a replica of a pool that takes over counts only once it
is settled: Ready for 30 s and, if another pool gives way to it, answering a probe embedding as that pool does. Nothing
is stored: the rule holds in every state, so a restart in the middle of a handover is safe. Not more than a share of the
ready capacity leaves in one minute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.memory import RateStep
from embedding_operator.domain.observation import Parity, Pool, Replica
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE
from embedding_operator.domain.trace import Trace

SETTLE = timedelta(seconds=30)


class Removal(NamedTuple):
    """Replicas to write per pool, and the state of the removal limit afterwards."""

    replicas: dict[str, int]
    step: RateStep


def settled(pod: Replica, *, now: datetime) -> bool:
    """Return whether `pod` has been Ready long enough for others to leave on its account."""
    return pod.ready_since is not None and now - pod.ready_since >= SETTLE


def takes_over(pools: Sequence[Pool], *, goal: Mapping[str, int]) -> bool:
    """Return whether Ready replicas of one pool are to leave while another pool serves in their place."""
    leaving = {pool.name for pool in pools if goal.get(pool.name, 0) < len(pool.ready)}
    return bool(leaving) and any(replicas > 0 and pool not in leaving for pool, replicas in goal.items())


@dataclass(slots=True, kw_only=True)
class _Standing:
    """The replicas that count as serving while others leave."""

    counted: dict[str, int]
    capacity: dict[str, float]

    def total(self) -> float:
        return sum(count * self.capacity[pool] for pool, count in self.counted.items())


def remove(
    pools: Sequence[Pool],
    *,
    goal: Mapping[str, int],
    need: float,
    now: datetime,
    step: RateStep,
    share_per_minute: float,
    trace: Trace,
) -> Removal:
    """Return the replicas of every pool after what may leave has left; pools that grow are at their goal.

    `pools` are in order of removal, `need` is in tokens per second.
    """
    wishes = {pool.name: goal.get(pool.name, 0) for pool in pools}
    replicas = {pool.name: max(wishes[pool.name], min(pool.replicas, len(pool.ready))) for pool in pools}
    if replicas == wishes:
        return Removal(replicas=replicas, step=step)
    standing = _standing(pools, now=now, handover=takes_over(pools, goal=goal))
    for pool in pools:
        wanted, kept = wishes[pool.name], replicas[pool.name]
        while kept > wanted:
            lost = pool.tokens_per_second if kept <= standing.counted[pool.name] else 0.0
            if standing.total() - lost < need - TOLERANCE:
                message = f"{pool.name}: {kept - wanted} Ready replicas stay until others serve {need:.0f} tokens/s"
                trace.add(StepReason.HANDOVER_HOLD, message, before=wanted, after=kept, pool=pool.name)
                break
            if not _within_limit(pool, step=step, share_per_minute=share_per_minute):
                message = f"{pool.name}: at most {share_per_minute:.0%} of the ready capacity leaves in a minute"
                trace.add(StepReason.DOWN_RATE_LIMITED, message, before=wanted, after=kept, pool=pool.name)
                break
            kept -= 1
            standing.counted[pool.name] = min(standing.counted[pool.name], kept)
            step = step._replace(removed=step.removed + pool.tokens_per_second)
        replicas[pool.name] = kept
    return Removal(replicas=replicas, step=step)


def _standing(pools: Sequence[Pool], *, now: datetime, handover: bool) -> _Standing:
    """Count every Ready replica where a pool shrinks alone, and only proven ones where pools change places."""
    return _Standing(
        counted={
            pool.name: min(pool.replicas, sum(1 for pod in pool.ready if not handover or _proven(pod, now=now)))
            for pool in pools
        },
        capacity={pool.name: pool.tokens_per_second for pool in pools},
    )


def _proven(pod: Replica, *, now: datetime) -> bool:
    return settled(pod, now=now) and pod.parity is Parity.PASSED


def _within_limit(pool: Pool, *, step: RateStep, share_per_minute: float) -> bool:
    """Return whether one more replica of `pool` may leave; the first of a minute always may."""
    first = step.removed == 0
    return first or step.removed + pool.tokens_per_second <= share_per_minute * step.capacity + TOLERANCE


def victims(pool: Pool, *, count: int) -> tuple[str, ...]:
    """Return the names of the `count` pods of `pool` whose end costs least: stuck, not Ready, then idle, then young."""
    if count == 0:
        return ()
    ranked = sorted(
        pool.pods,
        key=lambda pod: (
            pod.ready_since is not None,
            pod.stuck is None,
            pod.in_flight,
            -pod.created_at.timestamp(),
            pod.name,
        ),
    )
    return tuple(pod.name for pod in ranked[:count])
