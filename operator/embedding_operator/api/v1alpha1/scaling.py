"""`spec.scaling`: from load to replicas."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ApiModel


class ScalingMode(StrEnum):
    """What the operator does with what it decided."""

    ACTIVE = "Active"
    ADVISORY = "Advisory"
    PAUSED = "Paused"


class QueueTarget(ApiModel):
    """The goal in terms of the queue, in the words that KEDA users know."""

    target_requests: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=8, description="Requests that may wait per replica."
    )
    drain_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="A backlog should be gone this long after help is ready."
    )


class ScaleUpPolicy(ApiModel):
    """How fast a service may grow."""

    max_factor: Annotated[float, Field(ge=1, le=1000)] = Field(
        default=2.0, description="Growth in 15 seconds as a multiple of what runs; the larger of the two limits counts."
    )
    max_replicas_per_step: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="Growth in 15 seconds in replicas; the larger of the two limits counts."
    )
    stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=0, description="Grow only to what was needed throughout this time."
    )


class ScaleDownPolicy(ApiModel):
    """How fast a service may shrink."""

    stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=300, description="Shrink only to the most that was needed in this time."
    )
    max_percent_per_minute: Annotated[int, Field(ge=1, le=100)] = Field(
        default=50, description="Share of the ready capacity that may go in one minute; one replica always may."
    )


class ScalingSpec(ApiModel):
    """Goals and limits of scaling. The defaults suit an interactive service."""

    mode: ScalingMode = ScalingMode.ACTIVE
    queue: QueueTarget = Field(default_factory=QueueTarget)
    target_utilization: Annotated[int, Field(ge=10, le=95)] = Field(
        default=80, description="Percent of the capacity of the replicas that the arriving load may take."
    )
    idle_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=600,
        description="The last replica leaves after this long without a request, where minReplicas is 0 and the gateway "
        "holds the next one (holdSeconds).",
    )
    activation_requests: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=0, description="More held requests than this start the first replica; fewer wait in vain."
    )
    scale_up: ScaleUpPolicy = Field(default_factory=ScaleUpPolicy)
    scale_down: ScaleDownPolicy = Field(default_factory=ScaleDownPolicy)
