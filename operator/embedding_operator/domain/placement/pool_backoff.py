"""Pools that do not grow for now, because pods can not start there.

A pool with a pod that will not start is closed: it keeps what serves and what is on its way, others take what it lacks,
and one pod that can not start stays as the probe. More of them stay only as far as no other pool takes their share. The
pool opens when the probe is on its way. After 300 s one more pod is tried, on which nobody counts until it is Ready; if
it can not start either, the next is tried after twice that time, up to 30 minutes.

A pod that found no node may be waiting for a new one: it counts only after the time that a start takes.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from embedding_operator.domain.memory import Closure
from embedding_operator.domain.observation import Allowance, Observation, Pool, cannot_start
from embedding_operator.domain.placement.cheapest_mix import TOLERANCE

FIRST_SECONDS = 300.0
LONGEST_SECONDS = 1800.0


def closures(observation: Observation) -> dict[str, Closure]:
    """Return what is remembered of pools where pods can not start, or could not of late, by name."""
    known = {} if observation.memory is None else {each.pool: each for each in observation.memory.closures}
    if not known and not [pool for pool in observation.pools if pool.stuck]:
        return {}
    found = {pool.name: _closure(pool, known.get(pool.name), now=observation.now) for pool in observation.pools}
    return {name: closure for name, closure in found.items() if closure is not None}


def usable(allowance: Allowance, *, pool: Pool, closure: Closure, now: datetime) -> Allowance:
    """Return the bounds of a closed pool: no more than what serves, and what is on its way unless it is only tried."""
    coming = 0 if _is_tried(closure, now=now) else _on_its_way(pool, now=now)
    most = min(allowance.max_replicas, coming + len(pool.ready))
    return replace(allowance, min_replicas=min(allowance.min_replicas, most), max_replicas=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """What a closed pool lacks: it holds `replicas`, would hold `wished` if it were open, and may hold `most`.

    `missing` is what no pool holds, in tokens per second.
    """

    replicas: int
    wished: int
    most: int
    missing: float


def asked_in_vain(pool: Pool, shortage: Shortage, *, closure: Closure, now: datetime) -> int:
    """Return how many replicas of a closed pool are asked for beyond those that others count on."""
    stuck = min(pool.replicas, shortage.most) - shortage.replicas
    room = min(shortage.wished, shortage.most) - shortage.replicas
    if room <= 0:
        return 0
    waiting = max(1, math.ceil(shortage.missing / pool.tokens_per_second - TOLERANCE))
    if _is_tried(closure, now=now):
        hopeless = any(cannot_start(pod, pool=pool, now=now) for pod in pool.stuck)
        return min(room, max(min(stuck, waiting), 2 if hopeless else 1))
    return max(0, min(room, stuck, waiting))


def _on_its_way(pool: Pool, *, now: datetime) -> int:
    hopeless = sum(1 for pod in pool.stuck if cannot_start(pod, pool=pool, now=now))
    return max(0, pool.replicas - len(pool.ready) - hopeless)


def _closure(pool: Pool, known: Closure | None, *, now: datetime) -> Closure | None:
    hopeless = [pod for pod in pool.stuck if cannot_start(pod, pool=pool, now=now)]
    if known is None or not known.at <= now < known.until + timedelta(seconds=LONGEST_SECONDS):
        return _closed(pool.name, now=now, times=0) if hopeless else None
    if _has_recovered(pool, known, hopeless=bool(hopeless), now=now):
        return None
    if now >= known.until and any(pod.created_at >= known.until for pod in hopeless):
        return _closed(pool.name, now=now, times=known.times)
    return known


def _closed(pool: str, *, now: datetime, times: int) -> Closure:
    seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**times)
    return Closure(pool=pool, at=now, until=now + timedelta(seconds=seconds), times=min(times + 1, 10))


def _is_tried(closure: Closure, *, now: datetime) -> bool:
    return now >= closure.until


def _has_recovered(pool: Pool, known: Closure, *, hopeless: bool, now: datetime) -> bool:
    """Return whether a pod became Ready since, or the probe is on its way."""
    if any(pod.ready_since is not None and pod.ready_since > known.at for pod in pool.pods):
        return True
    return not hopeless and not _is_tried(known, now=now) and _on_its_way(pool, now=now) > 0
