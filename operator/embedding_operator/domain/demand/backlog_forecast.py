"""How far a decision looks ahead: until help is ready.

What is asked for now serves only after a start. Until then the backlog grows by arrival - ready capacity, so a decision
looks at the backlog that will be there when help arrives:

    Q* = max(0, Q' + (lambda - S) * eta)

While replicas start, Q' grows as fast as eta shrinks, and Q* stays what it was: one answer at the first look, not a new
and larger one at every look. The queue in requests has no such forecast. Replicas that are on their way were asked for
on account of it, so until they are Ready and had the time to drain it, it asks for no more than was asked since the
first of them was created.
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
    """What a decision knows of the help that is to come.

    `startup_seconds` is the shortest start on the allowed pools, `starting_seconds` what the youngest of the starting
    replicas still needs, None where there are none. `asked` is the most that was asked for since the oldest of them
    was created, or of those that had no time to drain the queue yet, in tokens per second.
    """

    startup_seconds: float
    starting_seconds: float | None = None
    asked: float = math.inf

    def seconds_until_help(self, *, needed: float, ready_capacity: float) -> float:
        """Return the seconds until more than `ready_capacity` serves, where `needed` tokens per second are."""
        if self.starting_seconds is not None:
            return self.starting_seconds
        return self.startup_seconds if needed > ready_capacity else 0.0

    def drain_seconds(self, *, stated: float) -> float:
        """Return in how many seconds a backlog should be gone: not much faster than help can come and go."""
        return max(stated, self.startup_seconds * DRAIN_PER_STARTUP)


def outlook(observation: Observation, *, required: float, buckets: tuple[RequirementBucket, ...]) -> Outlook:
    """Return the outlook; `required` and `buckets` are what was asked for so far."""
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
    """Yield the pool and the age in seconds of every wanted replica that is on its way, also of those without a pod."""
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
