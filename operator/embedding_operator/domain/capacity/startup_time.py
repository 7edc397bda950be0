"""The time that a replica takes from its creation until it is Ready, by pool.

    startup = 90th percentile of the last 20 starts, within [15 s, 1800 s]

Starts that found weights and image on their node are warm, and are kept separately from cold ones. Only the first time
that a pod becomes Ready counts as a start, and only if the pod was created while decisions were being made: how often a
pod was Ready before it was first observed is unknown.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from embedding_operator.domain.memory import LearnedPool, is_fresh
from embedding_operator.domain.observation import LEAST_HOLD_SECONDS, STARTUP_SECONDS, Pool, Replica
from embedding_operator.domain.quantile import quantile

WARM_SECONDS = 60.0
SHORTEST, LONGEST = 15.0, 1800.0
MOST_STARTS = 20
QUANTILE = 0.9
MOST_STARTING = 64

HOLD_STARTUPS = 2.0
OVERDUE_STARTUPS = 2.0
"""A start is overdue after twice the time that it should take."""

LEAST_STARTUP_SECONDS = 60.0
"""The shortest startup time assumed when judging whether a start is overdue: one slow image pull must not mark a pod as
stuck."""

_CREATION_CLOCK = timedelta(seconds=1)
"""Kubernetes reports creation times in whole seconds."""


def startup_seconds(learned: LearnedPool, *, warm: bool, seed: float = STARTUP_SECONDS) -> float:
    """Return how long the next start is expected to take; `seed` applies to a cold start while none was seen."""
    known = p90_of_starts(learned, warm=warm)
    if known is not None:
        return known
    other = p90_of_starts(learned, warm=not warm)
    if warm:
        return min(WARM_SECONDS, seed if other is None else other)
    return seed if other is None else max(seed, other)


def hold_seconds(known: Iterable[LearnedPool]) -> float:
    """Return for how long replicas of pools are held after they were needed, if the load returns within this time.

    It would wait for replicas that were just removed: with starts of 300 s and a load that changes every ten minutes,
    47 % of the requests were late after holding for 300 s, and 3 % after holding for 600 s.
    """
    starts = [p90_of_starts(each, warm=warm) or 0.0 for each in known for warm in (False, True)]
    return max(LEAST_HOLD_SECONDS, min(LONGEST, HOLD_STARTUPS * max(starts, default=0.0)))


def allowed_startup_seconds(known: Iterable[LearnedPool], *, pool: str) -> float:
    """Return how long a start on `pool` should take at most; it is overdue after twice that time.

    The start is taken to be cold, since it may be.
    """
    learned = (startup_seconds(each, warm=False) for each in known if each.pool == pool)
    return max(LEAST_STARTUP_SECONDS, next(learned, STARTUP_SECONDS))


def overdue_after(allowed_seconds: float) -> timedelta:
    """Return the age at which a start that should take `allowed_seconds` is overdue."""
    return timedelta(seconds=OVERDUE_STARTUPS * allowed_seconds)


def p90_of_starts(learned: LearnedPool, *, warm: bool) -> float | None:
    """Return the 90th percentile of startup times in seconds, or None if no start was seen."""
    starts = learned.warm_starts if warm else learned.cold_starts
    if not starts:
        return None
    return max(SHORTEST, min(LONGEST, float(quantile(starts, share=QUANTILE))))


def with_starts(known: LearnedPool, pool: Pool, *, last: datetime | None, now: datetime) -> LearnedPool:
    """Return `known` with the starts of `pool` that finished since the decision made at `last`."""
    if last is None or not is_fresh(last, now=now):
        return known._replace(starting=()) if known.starting else known
    since = last - _CREATION_CLOCK
    if not known.starting and not [pod for pod in pool.pods if pod.created_at > since]:
        return known
    new = [pod for pod in pool.pods if pod.uid in known.starting or _is_new(pod, since=since)]
    return known._replace(
        starting=tuple(pod.uid for pod in new if pod.ready_since is None)[:MOST_STARTING],
        cold_starts=_latest(known.cold_starts, [pod for pod in new if not pod.warm]),
        warm_starts=_latest(known.warm_starts, [pod for pod in new if pod.warm]),
    )


def _is_new(pod: Replica, *, since: datetime) -> bool:
    """Return whether `pod` was created after `since` and, if it is Ready, also became Ready after `since`."""
    return pod.created_at > since and (pod.ready_since is None or pod.ready_since > since)


def _latest(starts: tuple[int, ...], pods: list[Replica]) -> tuple[int, ...]:
    seconds = [round((pod.ready_since - pod.created_at).total_seconds()) for pod in pods if pod.ready_since is not None]
    return (*starts, *(each for each in seconds if each >= 0))[-MOST_STARTS:]
