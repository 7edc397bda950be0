"""Forecasts the backlog at the time when new replicas will be Ready.

Replicas requested now serve only after a start. Until then the backlog grows by arrival - ready capacity, so a decision
uses the backlog expected when they are Ready:

    Q* = max(0, Q' + (lambda - S) * eta)

While replicas start, Q' grows as fast as eta shrinks, so Q* stays constant: the first decision gives the full answer,
instead of each decision a larger one. The queue in requests has no such forecast. Starting replicas were requested
because of it, so until they are Ready and have had the time to drain it, it requires no more than was required since
the first of them was created.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.demand.stabilization import highest_within
from embedding_operator.domain.memory import RequirementBucket
from embedding_operator.domain.observation import Observation, Pool, cannot_start

DRAIN_PER_STARTUP = 1 / 3


class Outlook(NamedTuple):
    """What a decision knows about capacity that is still to come.

    `startup_seconds` is the shortest startup time on the allowed pools, `starting_seconds` the time that the youngest
    starting replica still needs, None if no replica is starting. `asked` is the highest requirement, in tokens per
    second, since the oldest replica was created that is starting or has not had time to drain the queue.
    """

    startup_seconds: float
    starting_seconds: float | None = None
    asked: float = math.inf

    def seconds_until_help(self, *, needed: float, ready_capacity: float) -> float:
        """Return the seconds until more than `ready_capacity` serves, if `needed` tokens per second are required."""
        if self.starting_seconds is not None:
            return self.starting_seconds
        return self.startup_seconds if needed > ready_capacity else 0.0

    def drain_seconds(self, *, stated: float) -> float:
        """Return the seconds in which to drain a backlog: not much faster than replicas can start and leave."""
        return max(stated, self.startup_seconds * DRAIN_PER_STARTUP)


def outlook(observation: Observation, *, required: float, buckets: tuple[RequirementBucket, ...]) -> Outlook:
    """Return the outlook; `required` and `buckets` are the requirements so far."""
    startups = {pool.name: pool.startup_seconds for pool in observation.pools}
    startup = min([startups[each.pool] for each in observation.bounds.pools if each.pool in startups], default=0.0)
    at_rest = Outlook(startup_seconds=startup)
    ages = list(_ages(observation.pools, now=observation.now))
    drain = at_rest.drain_seconds(stated=observation.policy.drain_seconds)
    new = [age for _, age in ages] + _ages_of_new(observation.pools, now=observation.now, drain_seconds=drain)
    if not new:
        return at_rest
    since = max(new) + 1.0
    return Outlook(
        startup_seconds=startup,
        starting_seconds=max((max(0.0, startups[pool] - age) for pool, age in ages), default=None),
        asked=max(required, highest_within(buckets, now=observation.now, seconds=since)),
    )


def _ages(pools: Sequence[Pool], *, now: datetime) -> Iterator[tuple[str, float]]:
    """Yield the pool and the age in seconds of every starting replica that is desired, even if it has no pod yet."""
    for pool in pools:
        if pool.replicas <= len(pool.ready):
            continue
        starting = [pod for pod in pool.pods if pod.ready_since is None]
        coming = [pod for pod in starting if not cannot_start(pod, pool=pool, now=now)]
        for pod in coming:
            yield pool.name, max(0.0, (now - pod.created_at).total_seconds())
        if pool.replicas > len(pool.ready) + len(starting):
            yield pool.name, 0.0


def _ages_of_new(pools: Sequence[Pool], *, now: datetime, drain_seconds: float) -> list[float]:
    """Return the ages in seconds of the replicas that became Ready within the last `drain_seconds`."""
    since = now - timedelta(seconds=drain_seconds)
    return [
        (now - pod.created_at).total_seconds()
        for pool in pools
        for pod in pool.ready
        if pod.ready_since is not None and pod.ready_since > since
    ]
