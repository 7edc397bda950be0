"""`EmbeddingService`: which model to run, on which pools, and how to scale it. Written by application teams."""

from typing import Annotated

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import ApiModel, list_map, rule, rules
from embedding_operator.api.v1alpha1.engine import EngineSpec, PodTemplate
from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.api.v1alpha1.model import ModelSpec
from embedding_operator.api.v1alpha1.pools import Allocation, PoolSpec
from embedding_operator.api.v1alpha1.scaling import ScalingSpec
from embedding_operator.api.v1alpha1.schedule import ScheduleSpec

MAX_CHILD_NAME = 46
"""Longest Deployment name for which pod names (`-<10 characters>-<5 characters>`) stay within 63 characters."""

GATEWAY_SUFFIX = "gateway"
"""Suffix of the names of the gateway's objects; the names of a pool's objects end with the pool's name instead."""

MAX_NAME_WITH_GATEWAY = MAX_CHILD_NAME - len("-") - len(GATEWAY_SUFFIX)


class EmbeddingServiceSpec(ApiModel):
    """Desired state, set by the application team; every field except `model` and `pools` has a suitable default."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.schedule) || self.schedule.windows.all(w, !has(w.pools) || w.pools.all(p, "
                "self.pools.exists(q, q.gpuPool == p.gpuPool)))",
                "a window names a pool that spec.pools does not list: add the pool to spec.pools or remove it "
                "from the window",
                field=".schedule.windows",
            ),
            rule(
                f"self.pools.all(p, p.gpuPool != '{GATEWAY_SUFFIX}')",
                f"the Deployment of a pool named {GATEWAY_SUFFIX} would have the gateway's name: rename the GPUPool",
                field=".pools",
            ),
        )
    )

    model: ModelSpec
    pools: Annotated[list[PoolSpec], Field(min_length=1, max_length=16, json_schema_extra=list_map("gpuPool"))] = Field(
        description="GPU pools that may hold replicas, the preferred one first."
    )
    allocation: Allocation = Field(
        default=Allocation.ORDERED,
        description="Ordered fills the first pool and spills over to the next. Cheapest uses the cheapest mix that "
        "carries the load, by pricePerHour of the GPUPools and the capacity of a replica on each.",
    )
    scaling: ScalingSpec = Field(default_factory=ScalingSpec)
    schedule: ScheduleSpec | None = Field(
        default=None, description="Windows of this service. Without them, a ScalingSchedule of the cluster may apply."
    )
    gateway: GatewaySpec = Field(default_factory=GatewaySpec)
    engine: EngineSpec = Field(default_factory=EngineSpec)
    pod_template: PodTemplate = Field(default_factory=PodTemplate)


OBJECT_RULES = (
    rule(
        "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        "the name is also that of a Service: use lower-case letters, digits and '-', and begin with a letter",
        field=".metadata.name",
    ),
    rule(
        f"self.spec.pools.all(p, size(self.metadata.name) + 1 + size(p.gpuPool) <= {MAX_CHILD_NAME})",
        f"the name and that of a GPU pool together are longer than {MAX_CHILD_NAME - 1} characters: shorten the name",
        field=".metadata.name",
    ),
    rule(
        f"!self.spec.gateway.enabled || size(self.metadata.name) <= {MAX_NAME_WITH_GATEWAY}",
        f"the name is longer than {MAX_NAME_WITH_GATEWAY} characters, too long to name a gateway after it: shorten the "
        "name or set spec.gateway.enabled to false",
        field=".metadata.name",
    ),
)
