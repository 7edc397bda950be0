"""Pools that do not grow for now because pods could not start there.

A pool with a pod that cannot start is in backoff: it keeps the replicas that serve or are starting, other pools take
over what it lacks, and one pod that cannot start stays as the probe. More of them stay only if no other pool can take
over their share. The backoff ends when the probe is starting. After 300 s one more pod is tried, which does not count
until it is Ready; if it cannot start either, the next is tried after twice that time, up to 30 minutes.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.memory import PoolBackoff
from embedding_operator.domain.observation import Allowance, Observation, Pool, cannot_start
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE

FIRST_SECONDS = 300.0
LONGEST_SECONDS = 1800.0


def pool_backoffs(observation: Observation) -> dict[str, PoolBackoff]:
    """Return the backoff of every pool where pods cannot start, or recently could not, by name."""
    known = {} if observation.memory is None else {each.pool: each for each in observation.memory.backoffs}
    if not known and not [pool for pool in observation.pools if pool.stuck]:
        return {}
    found = {pool.name: _backoff(pool, known.get(pool.name), now=observation.now) for pool in observation.pools}
    return {name: backoff for name, backoff in found.items() if backoff is not None}


def usable(allowance: Allowance, *, pool: Pool, backoff: PoolBackoff, now: datetime) -> Allowance:
    """Return the bounds of a pool in backoff: Ready replicas, and starting ones unless they are only tried."""
    coming = 0 if _is_tried(backoff, now=now) else _on_its_way(pool, now=now)
    most = min(allowance.max_replicas, coming + len(pool.ready))
    return replace(allowance, min_replicas=min(allowance.min_replicas, most), max_replicas=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """The shortage of a pool in backoff: it holds `replicas`, would otherwise hold `wished`, and may hold `most`.

    `missing` is the capacity that no pool covers, in tokens per second.
    """

    replicas: int
    wished: int
    most: int
    missing: float


def unmet_replicas(pool: Pool, shortage: Shortage, *, backoff: PoolBackoff, now: datetime) -> int:
    """Return how many probe replicas a pool in backoff has, in addition to those that count."""
    stuck = min(pool.replicas, shortage.most) - shortage.replicas
    room = min(shortage.wished, shortage.most) - shortage.replicas
    if room <= 0:
        return 0
    waiting = max(1, math.ceil(shortage.missing / pool.tokens_per_second - TOLERANCE))
    if _is_tried(backoff, now=now):
        unstartable = any(cannot_start(pod, pool=pool, now=now) for pod in pool.stuck)
        return min(room, max(min(stuck, waiting), 2 if unstartable else 1))
    return max(0, min(room, stuck, waiting))


def _on_its_way(pool: Pool, *, now: datetime) -> int:
    unstartable = sum(1 for pod in pool.stuck if cannot_start(pod, pool=pool, now=now))
    return max(0, pool.replicas - len(pool.ready) - unstartable)


def _backoff(pool: Pool, known: PoolBackoff | None, *, now: datetime) -> PoolBackoff | None:
    unstartable = [pod for pod in pool.stuck if cannot_start(pod, pool=pool, now=now)]
    lost = bool(unstartable) and all(pod.stuck is Reason.NOT_ANSWERING for pod in unstartable)
    if known is None or not known.at <= now < known.until + timedelta(seconds=LONGEST_SECONDS):
        return _backed_off(pool.name, now=now, times=0, lost=lost) if unstartable else None
    if _has_recovered(pool, known, unstartable=bool(unstartable), now=now):
        return None
    if now >= known.until and any(pod.created_at >= known.until for pod in unstartable):
        return _backed_off(pool.name, now=now, times=known.times, lost=lost)
    return known


def _backed_off(pool: str, *, now: datetime, times: int, lost: bool) -> PoolBackoff:
    seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**times)
    return PoolBackoff(pool=pool, at=now, until=now + timedelta(seconds=seconds), times=min(times + 1, 10), lost=lost)


def _is_tried(backoff: PoolBackoff, *, now: datetime) -> bool:
    return now >= backoff.until


def _has_recovered(pool: Pool, known: PoolBackoff, *, unstartable: bool, now: datetime) -> bool:
    """Return whether a pod has become Ready since, or the probe is starting, or all that were lost answer again."""
    if known.lost and pool.ready and not unstartable:
        return True
    if any(pod.ready_since is not None and pod.ready_since > known.at for pod in pool.pods):
        return True
    return not unstartable and not _is_tried(known, now=now) and _on_its_way(pool, now=now) > 0
