"""Forecasts the backlog at the time when new replicas will be Ready.

Replicas requested now serve only after a start. Until then the backlog Q' grows by arrival - ready capacity, less what
replicas that are already starting will serve, so a decision uses the backlog expected when help is there:

    Q*(t)  = Q' + ∫ (lambda - S) dt                  S grows as starting replicas become Ready
    needed = lambda + Q*(t) / drain

at the first t at which the capacity then Ready is enough for that, and otherwise at the end of a start that begins now.
While replicas start, Q*(t) stays constant, as Q' grows as fast as t comes near: the first decision gives the full
answer, instead of each decision a larger one. Replicas ordered later do not put it off: when the youngest start set the
time of help, a step to a load for 113 replicas of 300 s ended at more than 1,000.

A request that has waited for `patience` is answered with 503, so no more than what arrives in that time is expected to
wait. What waits already counts in full.

The queue in requests has no such forecast. Starting replicas were requested because of it, so until they are Ready and
have had the time to drain it, it requires no more than was required since the first of them was created.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from embedding_operator.domain.demand.stabilization import highest_within
from embedding_operator.domain.memory import RequirementBucket
from embedding_operator.domain.observation import Observation, Pool, cannot_start

DRAIN_PER_STARTUP = 1 / 3


class Serving(NamedTuple):
    """What serves now: `ready` tokens per second of `needed`; and how long requests may wait."""

    ready: float
    needed: float
    drain_seconds: float
    patience_seconds: float


class Start(NamedTuple):
    """The seconds until starting replicas are Ready, and the tokens per second that they will then serve."""

    seconds: float
    capacity: float


class Outlook(NamedTuple):
    """What a decision knows about capacity that is still to come.

    `startup_seconds` is the shortest startup time on the allowed pools, `starts` the replicas that are starting, those
    that will be Ready first at the front. `asked` is the highest requirement, in tokens per second, since the oldest
    replica was created that is starting or has not had time to drain the queue.
    """

    startup_seconds: float
    starts: tuple[Start, ...] = ()
    asked: float = math.inf

    def needed(self, *, arrival: float, backlog: float, serving: Serving) -> float:
        """Return the tokens per second that serve `arrival` and drain the backlog; 0 if none is expected.

        `backlog` is in tokens, `arrival` in tokens per second.
        """
        drain, ready = self.drain_seconds(stated=serving.drain_seconds), serving.ready
        most = max(backlog, serving.patience_seconds * arrival)
        passed, waiting = 0.0, backlog
        for start in self.starts:
            waiting = _later(waiting, growth=arrival - ready, seconds=start.seconds - passed, most=most)
            passed, ready = start.seconds, ready + start.capacity
            if ready >= _drained(waiting, arrival=arrival, seconds=drain):
                return _drained(waiting, arrival=arrival, seconds=drain)
        if self.starts or serving.needed > serving.ready:
            waiting = _later(
                waiting, growth=arrival - ready, seconds=max(0.0, self.startup_seconds - passed), most=most
            )
        return _drained(waiting, arrival=arrival, seconds=drain)

    def drain_seconds(self, *, stated: float) -> float:
        """Return the seconds in which to drain a backlog: not much faster than replicas can start and leave."""
        return max(stated, self.startup_seconds * DRAIN_PER_STARTUP)


def outlook(observation: Observation, *, required: float, buckets: tuple[RequirementBucket, ...]) -> Outlook:
    """Return the outlook; `required` and `buckets` are the requirements so far."""
    known = {pool.name: pool for pool in observation.pools}
    startups = {name: pool.startup_seconds for name, pool in known.items()}
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
        starts=tuple(
            sorted([Start(max(0.0, startups[pool] - age), known[pool].tokens_per_second) for pool, age in ages])
        ),
        asked=max(required, highest_within(buckets, now=observation.now, seconds=since)),
    )


def _later(waiting: float, *, growth: float, seconds: float, most: float) -> float:
    return max(0.0, min(most, waiting + growth * seconds))


def _drained(waiting: float, *, arrival: float, seconds: float) -> float:
    return arrival + waiting / seconds if waiting > 0 else 0.0


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
