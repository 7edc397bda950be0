"""Scaling memory as it is written into `status.decision.memory` and read back."""

from embedding_operator.api.v1alpha1.status import (
    DecisionMemory,
    IdleTime,
    LoadPoint,
    PoolClosure,
    PoolFloor,
    PoolMemory,
    RateLimitStep,
    RequirementBucket,
)
from embedding_operator.domain.memory import (
    Bucket,
    Closure,
    CurvePoint,
    Floor,
    Idle,
    LearnedPool,
    RateStep,
    ScalingMemory,
)


def written(memory: ScalingMemory) -> DecisionMemory:
    """Return `memory` as a part of the status."""
    return DecisionMemory(
        at=memory.at,
        required=memory.required,
        buckets=[
            RequirementBucket(
                at=bucket.at, until=bucket.until, highest=bucket.highest, lowest=bucket.lowest, peak=bucket.peak
            )
            for bucket in memory.buckets
        ],
        growth=_written_step(memory.growth),
        removal=_written_step(memory.removal),
        idle=None if memory.idle is None else IdleTime(since=memory.idle.since, until=memory.idle.until),
        panic_until=memory.panic_until,
        blind_since=memory.blind_since,
        queue_since=memory.queue_since,
        stall=_written_step(memory.stall),
        closures=[
            PoolClosure(gpu_pool=each.pool, at=each.at, until=each.until, times=each.times) for each in memory.closures
        ],
        floors=[PoolFloor(gpu_pool=each.pool, replicas=each.replicas, opens=each.opens) for each in memory.floors],
        pools=[_written_pool(pool) for pool in memory.learned],
    )


def remembered(memory: DecisionMemory) -> ScalingMemory:
    """Return the memory that a status holds."""
    return ScalingMemory(
        at=memory.at,
        required=memory.required,
        buckets=tuple(
            Bucket(at=bucket.at, until=bucket.until, highest=bucket.highest, lowest=bucket.lowest, peak=bucket.peak)
            for bucket in memory.buckets
        ),
        growth=_remembered_step(memory.growth),
        removal=_remembered_step(memory.removal),
        idle=None if memory.idle is None else Idle(since=memory.idle.since, until=memory.idle.until),
        panic_until=memory.panic_until,
        blind_since=memory.blind_since,
        queue_since=memory.queue_since,
        stall=_remembered_step(memory.stall),
        closures=tuple(
            Closure(pool=each.gpu_pool, at=each.at, until=each.until, times=each.times) for each in memory.closures
        ),
        floors=tuple(Floor(pool=each.gpu_pool, replicas=each.replicas, opens=each.opens) for each in memory.floors),
        learned=tuple(_remembered_pool(pool) for pool in memory.pools),
    )


def _written_step(step: RateStep | None) -> RateLimitStep | None:
    return None if step is None else RateLimitStep(at=step.at, capacity=step.capacity, removed=step.removed)


def _remembered_step(step: RateLimitStep | None) -> RateStep | None:
    return None if step is None else RateStep(at=step.at, capacity=step.capacity, removed=step.removed)


def _written_pool(learned: LearnedPool) -> PoolMemory:
    return PoolMemory(
        gpu_pool=learned.pool,
        seed=learned.seed,
        rates=list(learned.rates),
        tokens_per_second=learned.tokens_per_second,
        curve=[
            LoadPoint(in_flight=each.in_flight, tokens_per_second=each.tokens_per_second, samples=each.samples)
            for each in learned.curve
        ],
        knee=learned.knee,
        cold_starts=list(learned.cold_starts),
        warm_starts=list(learned.warm_starts),
        starting=list(learned.starting),
    )


def _remembered_pool(memory: PoolMemory) -> LearnedPool:
    return LearnedPool(
        pool=memory.gpu_pool,
        seed=memory.seed,
        rates=tuple(memory.rates),
        tokens_per_second=memory.tokens_per_second,
        curve=tuple(
            CurvePoint(in_flight=each.in_flight, tokens_per_second=each.tokens_per_second, samples=each.samples)
            for each in memory.curve
        ),
        knee=memory.knee,
        cold_starts=tuple(memory.cold_starts),
        warm_starts=tuple(memory.warm_starts),
        starting=tuple(memory.starting),
    )
