"""What a service learns about its pools while it runs: capacity, knee, and startup time (`startup_time`).

The capacity of a replica is its throughput while it is saturated. It is learned only from such periods: tokens waited
throughout (`throughput`), or far more requests were in flight than the knee. There is one sample per decision and pool,
the median over its saturated replicas; the capacity is the 90th percentile of the last 50 samples, within [0.3, 3]
times the seed. A replica never does more than it can, but one that looks saturated may not have been, so errors lie
below the capacity: with the median, half a day of a service that was never overloaded taught a third of it. Until there
are 20 samples, the seed applies: the first five of a real trace were 18 % too low. A learned capacity is kept until the
next one differs by 5 %, so that noise changes nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from embedding_operator.domain.capacity.concurrency_knee import (
    LIMIT_PER_KNEE,
    UNLEARNED_LIMIT,
    learned_curve,
    learned_knee,
)
from embedding_operator.domain.capacity.startup_time import startup_seconds, with_starts
from embedding_operator.domain.measured import is_possible
from embedding_operator.domain.memory import LearnedPool
from embedding_operator.domain.observation import Observation, Pool, WorkSample
from embedding_operator.domain.quantile import quantile

MOST_RATES = 50
LEAST_RATES = 20
QUANTILE = 0.9
SEED_SHARES = (0.3, 3.0)
NOISE = 0.05


def learned_pools(observation: Observation) -> dict[str, LearnedPool]:
    """Return what is known about every pool, by name."""
    memory, now = observation.memory, observation.now
    known = {} if memory is None else {each.pool: each for each in memory.learned}
    last = None if memory is None else memory.at
    return {
        pool.name: with_starts(_learned(pool, known=known.get(pool.name)), pool, last=last, now=now)
        for pool in observation.pools
    }


def as_learned(pools: Sequence[Pool], learned: Mapping[str, LearnedPool]) -> tuple[Pool, ...]:
    """Return `pools` with their learned capacity and startup time, where known."""
    return tuple([_as_learned(pool, learned[pool.name]) for pool in pools])


def _as_learned(pool: Pool, learned: LearnedPool) -> Pool:
    capacity = pool.tokens_per_second if learned.tokens_per_second is None else learned.tokens_per_second
    startup = startup_seconds(learned, warm=pool.starts_warm, seed=pool.startup_seconds)
    if (capacity, startup) == (pool.tokens_per_second, pool.startup_seconds):
        return pool
    return replace(pool, tokens_per_second=capacity, startup_seconds=startup)


def _learned(pool: Pool, *, known: LearnedPool | None) -> LearnedPool:
    if known is None:
        known = LearnedPool(pool=pool.name, seed=pool.tokens_per_second)
    elif known.seed != pool.tokens_per_second:
        # The model changed, or the seed improved.
        known = known._replace(seed=pool.tokens_per_second, rates=(), tokens_per_second=None)
    if not pool.work:
        return known
    curve = learned_curve(known.curve, pool.work)
    knee = known.knee if curve is known.curve else learned_knee(curve, knee=known.knee)
    rates = _rates(known.rates, pool.work, knee=knee)
    if curve is known.curve and rates is known.rates:
        return known
    capacity = _capacity(rates, seed=known.seed, taken=known.tokens_per_second)
    return known._replace(curve=curve, knee=knee, rates=rates, tokens_per_second=capacity)


def _rates(rates: tuple[int, ...], work: Sequence[WorkSample], *, knee: int | None) -> tuple[int, ...]:
    """Return `rates` with the sample of `work` added; the same object if no replica was saturated."""
    saturated = [each.tokens_per_second for each in work if _is_saturated(each, knee=knee)]
    return (*rates, round(median(saturated)))[-MOST_RATES:] if saturated else rates


def _is_saturated(work: WorkSample, *, knee: int | None) -> bool:
    """Return whether a replica had more to do than it could; one that computes nothing at all teaches nothing.

    Where the knee is low, more requests than it can be in flight in three samples in a row by chance alone.
    """
    full = math.inf if knee is None else max(UNLEARNED_LIMIT, LIMIT_PER_KNEE * knee)
    pressed = work.waited or work.least_in_flight > full
    return pressed and work.tokens_per_second > 0 and is_possible(work.tokens_per_second)


def _capacity(rates: tuple[int, ...], *, seed: float, taken: float | None) -> float | None:
    if len(rates) < LEAST_RATES:
        return taken
    least, most = SEED_SHARES
    # The value that nine of ten samples do not exceed.
    found = float(round(max(least * seed, min(most * seed, quantile(rates, share=QUANTILE)))))
    if taken is not None and abs(found - taken) <= NOISE * taken:
        return taken
    return found or taken
