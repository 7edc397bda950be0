"""The state that one decision passes to the next. It is stored in `status.decision.memory`, so a restart loses nothing.

Objects that every decision creates are named tuples: creating one takes a third of the time of a frozen dataclass.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

BLIND_SECONDS = 60.0
"""After this many seconds without a decision, previous knowledge counts for little."""


def is_fresh(decided_at: datetime, *, now: datetime) -> bool:
    """Return whether the last decision is at most a minute old, and the clock has not gone back since."""
    return 0.0 <= (now - decided_at).total_seconds() <= BLIND_SECONDS


class RequirementBucket(NamedTuple):
    """Requirements (tokens per second) from `at` to `until`.

    `highest` and `lowest` bound the recommendations, `peak` is the highest demand behind them.
    """

    at: datetime
    until: datetime
    highest: float
    lowest: float
    peak: float


class RateLimitStep(NamedTuple):
    """A rate-limited step that began `at`: the capacity (tokens per second) then, and the capacity removed since."""

    at: datetime
    capacity: float
    removed: float = 0.0


def step_in_progress(step: RateLimitStep | None, *, now: datetime, seconds: float, capacity: float) -> RateLimitStep:
    """Return `step`, or a new one that begins now with `capacity` if it is over (or the clock went back)."""
    if step is None or not 0.0 <= (now - step.at).total_seconds() < seconds:
        return RateLimitStep(at=now, capacity=capacity)
    return step


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleTime:
    """A period in which the gateway responded and is known to have had no request."""

    since: datetime
    until: datetime

    @property
    def seconds(self) -> float:
        """Return how long it lasted."""
        return (self.until - self.since).total_seconds()


class LoadPoint(NamedTuple):
    """The tokens per second of a replica with about `in_flight` requests, over `samples` samples."""

    in_flight: int
    tokens_per_second: float
    samples: int


class LearnedPool(NamedTuple):
    """What was learned from the replicas of one pool.

    `rates` are the tokens per second of saturated replicas, newest last, and `tokens_per_second` the capacity derived
    from them; both belong to the initial capacity `seed`. `knee` is the number of requests in flight beyond which the
    throughput of a replica no longer grows, by its `curve`. `cold_starts` and `warm_starts` are startup times in
    seconds, newest last; `starting` are the UIDs of pods whose start is being timed.
    """

    pool: str
    seed: float
    rates: tuple[int, ...] = ()
    tokens_per_second: float | None = None
    curve: tuple[LoadPoint, ...] = ()
    knee: int | None = None
    cold_starts: tuple[int, ...] = ()
    warm_starts: tuple[int, ...] = ()
    starting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolBackoff:
    """A pool that does not grow from `at` to `until` because pods could not start, for the `times`-th time in a row.

    With `lost`, its pods had started, but did not answer any more.
    """

    pool: str
    at: datetime
    until: datetime
    times: int
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PrewarmFloor:
    """Replicas that a pool holds for the window that opens, or opened, at `opens`."""

    pool: str
    replicas: int
    opens: datetime


class ScalingMemory(NamedTuple):
    """The state of scaling after the decision made `at`; `required` is in tokens per second.

    Until `panic_until` no replica is removed and growth is not limited. Nothing could be measured since `blind_since`,
    and part of the load could not since `gap_since`; more than the next batch has waited since `queue_since`, and
    engines have finished nothing since the step `engine_hang` began. At `returned_at`, a load was last seen to return
    within twice the time of a start.
    """

    at: datetime
    required: float
    buckets: tuple[RequirementBucket, ...] = ()
    growth: RateLimitStep | None = None
    removal: RateLimitStep | None = None
    idle: IdleTime | None = None
    panic_until: datetime | None = None
    blind_since: datetime | None = None
    returned_at: datetime | None = None
    gap_since: datetime | None = None
    queue_since: datetime | None = None
    engine_hang: RateLimitStep | None = None
    learned: tuple[LearnedPool, ...] = ()
    backoffs: tuple[PoolBackoff, ...] = ()
    floors: tuple[PrewarmFloor, ...] = ()
