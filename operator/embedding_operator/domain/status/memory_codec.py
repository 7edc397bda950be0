"""Converts scaling memory to and from `status.decision.memory`."""

from embedding_operator.api.v1alpha1 import status as api
from embedding_operator.domain.memory import (
    IdleTime,
    LearnedPool,
    LoadPoint,
    PoolBackoff,
    PrewarmFloor,
    RateLimitStep,
    RequirementBucket,
    ScalingMemory,
)


def written(memory: ScalingMemory) -> api.DecisionMemory:
    """Return `memory` in its API form, as part of the status."""
    return api.DecisionMemory(
        at=memory.at,
        required=memory.required,
        buckets=[
            api.RequirementBucket(
                at=bucket.at, until=bucket.until, highest=bucket.highest, lowest=bucket.lowest, peak=bucket.peak
            )
            for bucket in memory.buckets
        ],
        growth=_written_step(memory.growth),
        removal=_written_step(memory.removal),
        idle=None if memory.idle is None else api.IdleTime(since=memory.idle.since, until=memory.idle.until),
        panic_until=memory.panic_until,
        blind_since=memory.blind_since,
        returned_at=memory.returned_at,
        gap_since=memory.gap_since,
        queue_since=memory.queue_since,
        engine_hang=_written_step(memory.engine_hang),
        backoffs=[
            api.PoolBackoff(gpu_pool=each.pool, at=each.at, until=each.until, times=each.times, lost=each.lost or None)
            for each in memory.backoffs
        ],
        floors=[
            api.PrewarmFloor(gpu_pool=each.pool, replicas=each.replicas, opens=each.opens) for each in memory.floors
        ],
        pools=[_written_pool(pool) for pool in memory.learned],
    )


def remembered(memory: api.DecisionMemory) -> ScalingMemory:
    """Return the memory stored in a status."""
    return ScalingMemory(
        at=memory.at,
        required=memory.required,
        buckets=tuple(
            RequirementBucket(
                at=bucket.at, until=bucket.until, highest=bucket.highest, lowest=bucket.lowest, peak=bucket.peak
            )
            for bucket in memory.buckets
        ),
        growth=_remembered_step(memory.growth),
        removal=_remembered_step(memory.removal),
        idle=None if memory.idle is None else IdleTime(since=memory.idle.since, until=memory.idle.until),
        panic_until=memory.panic_until,
        blind_since=memory.blind_since,
        returned_at=memory.returned_at,
        gap_since=memory.gap_since,
        queue_since=memory.queue_since,
        engine_hang=_remembered_step(memory.engine_hang),
        backoffs=tuple(
            PoolBackoff(pool=each.gpu_pool, at=each.at, until=each.until, times=each.times, lost=bool(each.lost))
            for each in memory.backoffs
        ),
        floors=tuple(
            PrewarmFloor(pool=each.gpu_pool, replicas=each.replicas, opens=each.opens) for each in memory.floors
        ),
        learned=tuple(_remembered_pool(pool) for pool in memory.pools),
    )


def _written_step(step: RateLimitStep | None) -> api.RateLimitStep | None:
    return None if step is None else api.RateLimitStep(at=step.at, capacity=step.capacity, removed=step.removed)


def _remembered_step(step: api.RateLimitStep | None) -> RateLimitStep | None:
    return None if step is None else RateLimitStep(at=step.at, capacity=step.capacity, removed=step.removed)


def _written_pool(learned: LearnedPool) -> api.LearnedPool:
    return api.LearnedPool(
        gpu_pool=learned.pool,
        seed=learned.seed,
        rates=list(learned.rates),
        tokens_per_second=learned.tokens_per_second,
        curve=[
            api.LoadPoint(in_flight=each.in_flight, tokens_per_second=each.tokens_per_second, samples=each.samples)
            for each in learned.curve
        ],
        knee=learned.knee,
        cold_starts=list(learned.cold_starts),
        warm_starts=list(learned.warm_starts),
        starting=list(learned.starting),
    )


def _remembered_pool(memory: api.LearnedPool) -> LearnedPool:
    return LearnedPool(
        pool=memory.gpu_pool,
        seed=memory.seed,
        rates=tuple(memory.rates),
        tokens_per_second=memory.tokens_per_second,
        curve=tuple(
            LoadPoint(in_flight=each.in_flight, tokens_per_second=each.tokens_per_second, samples=each.samples)
            for each in memory.curve
        ),
        knee=memory.knee,
        cold_starts=tuple(memory.cold_starts),
        warm_starts=tuple(memory.warm_starts),
        starting=tuple(memory.starting),
    )
