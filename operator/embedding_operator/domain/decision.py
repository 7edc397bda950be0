"""The output of `decide`: targets per pool, every step that led to them, and the memory for the next decision."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from embedding_operator.domain.memory import ScalingMemory


class StepReason(StrEnum):
    """Why a step changed (or held) the requirement or the replicas of a pool."""

    RESTART_SEEDED = "RestartSeeded"
    REQUIREMENT_LAPSED = "RequirementLapsed"
    METRICS_MISSING_HOLD = "MetricsMissingHold"
    METRICS_STALE_HOLD = "MetricsStaleHold"
    METRICS_INVALID_HOLD = "MetricsInvalidHold"
    PARTIAL_METRICS_NO_DOWN = "PartialMetricsNoDown"
    PARTIAL_METRICS_ASSUMED = "PartialMetricsAssumed"
    QUEUE_DEMAND = "QueueDemand"
    RATE_DEMAND = "RateDemand"
    PANIC = "Panic"
    FALLBACK = "Fallback"
    ENGINE_HANG = "EngineHang"
    LOAD_SKEWED = "LoadSkewed"
    TRIGGER_DEMAND = "TriggerDemand"
    TRIGGER_MISSING_NO_DOWN = "TriggerMissingNoDown"
    DEMAND_UP = "DemandUp"
    DEMAND_DOWN = "DemandDown"
    IN_BAND = "InBand"
    SLOW_TRIM = "SlowTrim"
    UP_STABILIZED = "UpStabilized"
    DOWN_STABILIZED = "DownStabilized"
    UP_RATE_LIMITED = "UpRateLimited"
    DOWN_RATE_LIMITED = "DownRateLimited"
    DOWN_FROZEN = "DownFrozen"
    POOL_BACKOFF = "PoolBackoff"
    PREWARM = "Prewarm"
    AT_MAXIMUM = "AtMaximum"
    AT_MINIMUM = "AtMinimum"
    CHEAPEST_MIX = "CheapestMix"
    PRICE_MISSING = "PriceMissing"
    KEEP_ONE = "KeepOne"
    IDLE = "Idle"
    WAKE = "Wake"
    ASLEEP = "Asleep"
    ALLOCATED = "Allocated"
    HANDOVER_HOLD = "HandoverHold"
    PAUSED = "Paused"
    ADVISORY = "Advisory"


HOLDS = frozenset({StepReason.METRICS_MISSING_HOLD, StepReason.METRICS_STALE_HOLD, StepReason.METRICS_INVALID_HOLD})
"""Why a decision holds the requirement: there is no load to decide on."""


class Step(NamedTuple):
    """One step of the decision. `before` and `after` are tokens per second, or replicas where `pool` is given."""

    reason: StepReason
    before: float
    after: float
    message: str
    pool: str | None = None


def step(reason: StepReason, message: str, *, before: float, after: float, pool: str | None = None) -> Step:
    """Return a step; values are rounded to 0.001, so that equal decisions have equal steps."""
    return Step(reason, round(before, 3), round(after, 3), message, pool)


class PoolTarget(NamedTuple):
    """The replicas that one pool should have, and those that it has.

    `replicas` is the number to write now, `goal` the number at the end of the handover. `victims` are the names of the
    pods to remove first if `replicas` is below the current count. `tokens_per_second` is the capacity assumed for one
    replica; `is_learned` says that it was measured here. `start_seconds` is how long a start takes, None until one was
    seen.
    """

    pool: str
    replicas: int
    goal: int
    ready: int
    starting: int
    stuck: int
    tokens_per_second: float
    is_learned: bool = False
    start_seconds: float | None = None
    victims: tuple[str, ...] = ()


class Decision(NamedTuple):
    """What to do, and why. `write` is False if replicas are only reported (`Advisory`) or held (`Paused`).

    `connection_limit` is how many requests each gateway pod should send to one engine, None until that is learned.
    """

    at: datetime
    required: float
    targets: tuple[PoolTarget, ...]
    steps: tuple[Step, ...]
    memory: ScalingMemory
    requeue_after: float
    write: bool
    connection_limit: int | None = None

    def reasons(self) -> frozenset[StepReason]:
        """Return the reasons of all steps."""
        return frozenset(step.reason for step in self.steps)
