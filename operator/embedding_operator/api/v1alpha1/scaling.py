"""`spec.scaling`: how load becomes replicas."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import DNS_LABEL, ApiModel, list_map, matching

SERVER_ADDRESS = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"
"""Without user name, query and fragment: an address says where a server is and nothing more."""


class ScalingMode(StrEnum):
    """What the operator does with its decisions."""

    ACTIVE = "Active"
    ADVISORY = "Advisory"
    PAUSED = "Paused"


class QueueTarget(ApiModel):
    """The goal for the queue, in terms that KEDA users know."""

    target_requests: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=8, description="Requests that may wait per replica."
    )
    drain_seconds: Annotated[int, Field(ge=1, le=3600)] = Field(
        default=30, description="Time in which a backlog should drain once added replicas are Ready."
    )


class ScaleUpPolicy(ApiModel):
    """How fast a service may grow."""

    max_factor: Annotated[float, Field(ge=1, le=1000)] = Field(
        default=2.0, description="Growth in 15 seconds as a multiple of what runs; the larger of both limits applies."
    )
    max_replicas_per_step: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="Growth in 15 seconds in replicas; the larger of both limits applies."
    )
    stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=0, description="Grow only to the capacity that was needed throughout this time."
    )


class ScaleDownPolicy(ApiModel):
    """How fast a service may shrink."""

    stabilization_seconds: Annotated[int, Field(ge=0, le=3600)] | None = Field(
        default=None,
        description="Shrink only to the highest capacity that was needed in this time. Default: 300 or, where the load "
        "returned within that time in the last hour, twice as long as a replica takes to start, at most 1800.",
    )
    max_percent_per_minute: Annotated[int, Field(ge=1, le=100)] = Field(
        default=50, description="Share of the ready capacity that may be removed per minute; at least one replica."
    )


class PrometheusQuery(ApiModel):
    """A number read from Prometheus."""

    query: Annotated[str, Field(min_length=1, max_length=2048)] = Field(
        description="PromQL that returns one number, such as sum(rabbitmq_queue_messages_ready{queue='documents'})."
    )
    server_address: (
        Annotated[
            str,
            matching(
                SERVER_ADDRESS,
                message="not the address of a Prometheus server: use one such as "
                "http://prometheus.monitoring.svc:9090, without user, query or fragment",
                max_length=512,
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Default: the operator's own Prometheus server. Others are queried only if the operator's settings "
        "list them.",
    )


class Trigger(ApiModel):
    """An external queue. The highest requirement applies, among all triggers and the service's own load."""

    name: Annotated[
        str,
        matching(DNS_LABEL, message="not a valid trigger name: use lower-case letters, digits and '-'", max_length=63),
    ] = Field(description="Name of the trigger, unique in its service.")
    prometheus: PrometheusQuery = Field(description="Where the number comes from.")
    threshold: Annotated[float, Field(gt=0.000001, le=1_000_000_000_000)] = Field(
        description="Value that one replica of the preferred pool can handle: value / threshold replicas are required."
    )
    activation_threshold: Annotated[float, Field(ge=0, le=1_000_000_000_000)] = Field(
        default=0,
        description="At or below it, the trigger requires no replicas; above it, it wakes a service from zero.",
    )


TriggerList = Annotated[list[Trigger], Field(max_length=8, json_schema_extra=list_map("name"))]


class Fallback(ApiModel):
    """What to run when nothing has been measured for a long time."""

    replicas: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="Replicas of the preferred pool after 300 seconds without metrics; never fewer than are running."
    )


class ScalingSpec(ApiModel):
    """Goals and limits of scaling. The defaults suit an interactive service."""

    mode: ScalingMode = ScalingMode.ACTIVE
    queue: QueueTarget = Field(default_factory=QueueTarget)
    target_utilization: Annotated[int, Field(ge=10, le=95)] = Field(
        default=80, description="Percentage of the capacity of the replicas that the arriving load may use."
    )
    idle_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=600,
        description="The last replica is removed after this time without a request, if minReplicas is 0 and the "
        "gateway holds the next request (holdSeconds).",
    )
    activation_requests: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=0, description="More held requests than this start the first replica; fewer wait until they time out."
    )
    triggers: TriggerList = Field(default_factory=list, description="External queues that also require replicas.")
    fallback: Fallback | None = Field(default=None, description="Without it, the running replicas are kept.")
    scale_up: ScaleUpPolicy = Field(default_factory=ScaleUpPolicy)
    scale_down: ScaleDownPolicy = Field(default_factory=ScaleDownPolicy)
