"""`EmbeddingService.status`: what runs, why, and what comes next."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ATOMIC_LIST, ApiModel, list_map
from embedding_operator.api.v1alpha1.conditions import Condition
from embedding_operator.api.v1alpha1.model import Architecture, Dtype

Count = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0)]
Starts = Annotated[list[Count], Field(max_length=20, json_schema_extra=ATOMIC_LIST)]
"""Seconds from creation to Ready, newest last."""

MAX_STEPS = 96
"""Sixteen pools have at most four steps each, beside those of the service."""


class CapacitySource(StrEnum):
    """The source of a replica's tokens per second."""

    SPEC = "Spec"
    ESTIMATE = "Estimate"
    LEARNED = "Learned"


class ModelStatus(ApiModel):
    """What `Auto` and the defaults resolved to."""

    revision: str | None = None
    dtype: Dtype
    architecture: Architecture
    dimensions: list[int] = Field(default_factory=list, json_schema_extra=ATOMIC_LIST)


class PoolStatus(ApiModel):
    """The replicas on one pool."""

    gpu_pool: str
    desired: Count = 0
    ready: Count = 0
    starting: Count = 0
    stuck: Count = 0
    tokens_per_second: Count = 0
    capacity_source: CapacitySource = CapacitySource.ESTIMATE
    start_seconds_p90: Count | None = Field(
        default=None,
        description="90th percentile of recent startup times, from creation to Ready.",
        alias="startSecondsP90",
    )


class ScheduleStatus(ApiModel):
    """The current window and the next transition."""

    source: str | None = Field(default=None, description="`EmbeddingService` or `ScalingSchedule/<name>`.")
    window: str | None = None
    since: datetime | None = None
    next_window: str | None = None
    next_transition: datetime | None = None


class DecisionStep(ApiModel):
    """A step from load to replicas; `before` and `after` are in the unit that `message` names."""

    reason: str
    before: float
    after: float
    message: str


class RequirementBucket(ApiModel):
    """The requirement from `at` to `until`, in tokens per second."""

    at: datetime
    until: datetime
    highest: Rate
    lowest: Rate
    peak: Rate


class RateLimitStep(ApiModel):
    """A rate-limited step: the tokens per second at its beginning, and those removed since."""

    at: datetime
    capacity: Rate
    removed: Rate = 0.0


class IdleTime(ApiModel):
    """A period from `since` to `until` without any request at the gateway."""

    since: datetime
    until: datetime


class LoadPoint(ApiModel):
    """The throughput of a replica at about `inFlight` requests in flight."""

    in_flight: Count
    tokens_per_second: Rate
    samples: Count


class LearnedPool(ApiModel):
    """What was learned from the replicas of one pool: see `domain/capacity/learning.py`."""

    gpu_pool: str
    seed: Rate
    rates: Annotated[list[Count], Field(max_length=50, json_schema_extra=ATOMIC_LIST)] = Field(default_factory=list)
    tokens_per_second: Rate | None = None
    curve: Annotated[list[LoadPoint], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] = Field(default_factory=list)
    knee: Count | None = None
    cold_starts: Starts = Field(default_factory=list)
    warm_starts: Starts = Field(default_factory=list)
    starting: Annotated[list[str], Field(max_length=64, json_schema_extra=ATOMIC_LIST)] = Field(default_factory=list)


class PoolBackoff(ApiModel):
    """A pool that does not grow from `at` to `until` because pods could not start, or were `lost` after their start."""

    gpu_pool: str
    at: datetime
    until: datetime
    times: Count
    lost: bool | None = None


class PrewarmFloor(ApiModel):
    """Replicas that a pool holds for the window that opens, or opened, at `opens`."""

    gpu_pool: str
    replicas: Count
    opens: datetime


class DecisionMemory(ApiModel):
    """What a restarted operator needs to decide as if it had not restarted."""

    at: datetime
    required: Rate
    buckets: Annotated[list[RequirementBucket], Field(max_length=256, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list
    )
    growth: RateLimitStep | None = None
    removal: RateLimitStep | None = None
    idle: IdleTime | None = None
    panic_until: datetime | None = None
    blind_since: datetime | None = None
    returned_at: datetime | None = None
    gap_since: datetime | None = None
    queue_since: datetime | None = None
    engine_hang: RateLimitStep | None = None
    backoffs: Annotated[list[PoolBackoff], Field(max_length=64, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list
    )
    floors: Annotated[list[PrewarmFloor], Field(max_length=64, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list
    )
    pools: Annotated[list[LearnedPool], Field(max_length=64, json_schema_extra=list_map("gpuPool"))] = Field(
        default_factory=list
    )


class TriggerStatus(ApiModel):
    """The value of an external queue, or why there is no usable value."""

    name: str
    value: float | None = None
    problem: str | None = None


class DecisionStatus(ApiModel):
    """The last decision: its inputs, its result, and every step between them."""

    at: datetime
    queue_requests: Rate | None = Field(default=None, description="Requests waiting, at the gateway if there is one.")
    queue_tokens: Rate | None = None
    arrival_tokens_per_second: Rate | None = None
    triggers: Annotated[list[TriggerStatus], Field(max_length=8, json_schema_extra=list_map("name"))] = Field(
        default_factory=list
    )
    required: Rate = Field(description="Tokens per second.")
    steps: Annotated[list[DecisionStep], Field(max_length=MAX_STEPS, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list
    )
    memory: DecisionMemory | None = None


class EmbeddingServiceStatus(ApiModel):
    """Observed state, written only by the operator and only when it changes."""

    observed_generation: Count = 0
    replicas: Count = 0
    ready_replicas: Count = 0
    ready_summary: str | None = Field(default=None, description="`ready/desired`, for the printer column.")
    url: str | None = None
    address: str | None = Field(
        default=None, description="IP address of the Service, which it gets again if it is deleted by mistake."
    )
    model: ModelStatus | None = None
    pools: Annotated[list[PoolStatus], Field(max_length=64, json_schema_extra=list_map("gpuPool"))] = Field(
        default_factory=list
    )
    schedule: ScheduleStatus | None = None
    decision: DecisionStatus | None = None
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )
