"""`spec.pools`: the GPU pools on which a service may run, and how far it may grow on each."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import ATOMIC_LIST, ApiModel, PoolName, list_map, rule, rules
from embedding_operator.api.v1alpha1.kubernetes_types import EnvVar

MIN_ABOVE_MAX = rule(
    "self.minReplicas <= self.maxReplicas",
    "minReplicas is above maxReplicas: lower minReplicas or raise maxReplicas",
    field=".minReplicas",
)

EngineArgs = Annotated[
    list[Annotated[str, Field(max_length=4096)]],
    Field(max_length=64, json_schema_extra=ATOMIC_LIST),
]
"""Additional arguments of `python3 -m sglang.launch_server`."""

EnvList = Annotated[list[EnvVar], Field(max_length=64, json_schema_extra=list_map("name"))]


class Allocation(StrEnum):
    """Which pools hold the replicas that a load needs: the first ones, or the cheapest mix."""

    ORDERED = "Ordered"
    CHEAPEST = "Cheapest"


class PoolBounds(ApiModel):
    """The minimum and maximum number of replicas of a service on one pool."""

    model_config = ConfigDict(json_schema_extra=rules(MIN_ABOVE_MAX))

    gpu_pool: PoolName = Field(description="Name of a GPUPool.")
    min_replicas: Annotated[int, Field(ge=0, le=1000)] = Field(default=0, description="Replicas at no load.")
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = Field(description="Replicas at the highest load.")


class PoolSpec(PoolBounds):
    """One GPU pool of a service. The order of `spec.pools` is the order of preference."""

    tokens_per_second: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(
        default=None,
        description="Tokens per second that one replica computes on this pool. Default: estimated from the model and "
        "the GPU.",
    )
    args: EngineArgs = Field(default_factory=list, description="Engine arguments on this pool only.")
    env: EnvList = Field(default_factory=list, description="Engine environment on this pool only.")
