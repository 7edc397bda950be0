"""`GPUPool`: a kind of GPU in this cluster and what the engine needs on it. Written by cluster admins.

A pool of engines that compute on the CPU is a `GPUPool` too: it allows a service to run where there are no GPUs.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import (
    ATOMIC_LIST,
    DNS_LABEL,
    POOL_NAME_LENGTH,
    ApiModel,
    FreeForm,
    list_map,
    matching,
    rule,
    rules,
)
from embedding_operator.api.v1alpha1.conditions import Condition
from embedding_operator.api.v1alpha1.kubernetes_types import NodeSelector, Toleration
from embedding_operator.api.v1alpha1.pools import EngineArgs, EnvList

FROM_7_5 = r"^(7\.[5-9]|[89]\.[0-9]|[1-9][0-9]\.[0-9])$"


PRICE = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"
"""At most six decimals, so that sums of prices are exact."""


class Device(StrEnum):
    """What an engine computes on."""

    GPU = "GPU"
    CPU = "CPU"


class GPUResource(ApiModel):
    """The extended resource that a replica requests; more than one GPU means tensor parallelism."""

    name: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="nvidia.com/gpu", description="Name of the extended resource, as offered by the device plugin."
    )
    count: Annotated[int, Field(ge=1, le=16)] = Field(default=1, description="GPUs per replica.")


class PoolEngine(ApiModel):
    """What the engine needs on this GPU. Owned by the cluster admin, so volumes of any kind are allowed."""

    image: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="Default: the operator's default engine image."
    )
    command: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(max_length=32)] = Field(
        default_factory=list,
        description="Command that starts the server. Default: python3 -m sglang.launch_server.",
        json_schema_extra=ATOMIC_LIST,
    )
    args: EngineArgs = Field(default_factory=list, description="Engine arguments on this GPU, for every service.")
    env: EnvList = Field(default_factory=list, description="Engine environment on this GPU, for every service.")
    volumes: Annotated[list[FreeForm], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list, description="As in a Kubernetes pod."
    )
    volume_mounts: Annotated[list[FreeForm], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list,
        description="As in a Kubernetes container. Where engines of several namespaces could write to one volume, such "
        "as a hostPath, each mounts the folder that is named after its namespace.",
    )
    share_volumes: bool = Field(
        default=False,
        description="Engines of all namespaces write to the same folders. One tenant could write code that another's "
        "engine loads.",
    )
    allow_own_engines: bool = Field(
        default=False,
        description="With shareVolumes, services may nevertheless set their own image and environment.",
    )


POOL_RULES = (
    rule(
        "self.device == 'CPU' || has(self.computeCapability)",
        'computeCapability is missing: set the CUDA compute capability of the GPU, such as "8.6", in quotes, or '
        "device: CPU for engines that need no GPU",
        field=".computeCapability",
    ),
    rule(
        "self.device == 'GPU' || !has(self.computeCapability)",
        "computeCapability applies to GPUs only, but device is CPU: remove one of the two",
        field=".computeCapability",
    ),
    rule(
        "self.device == 'GPU' || has(self.engine) && has(self.engine.image)",
        "the default engine image needs a GPU: with device: CPU, set engine.image to a build of SGLang for CPUs",
        field=".engine",
    ),
)


class GPUPoolSpec(ApiModel):
    """Where the GPUs are and what they can do."""

    model_config = ConfigDict(json_schema_extra=rules(*POOL_RULES))

    node_selector: Annotated[NodeSelector, Field(min_length=1)] = Field(
        description="Labels of the nodes that have this GPU."
    )
    device: Device = Field(
        default=Device.GPU,
        description="What engines compute on. With CPU, engines request no GPU, resource is ignored, and memoryGiB is "
        "the memory that one replica requests.",
    )
    tolerations: Annotated[list[Toleration], Field(max_length=32, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list, description="Tolerations of the engine pods for the taints of these nodes."
    )
    resource: GPUResource = Field(default_factory=GPUResource)
    compute_capability: (
        Annotated[
            str,
            matching(
                FROM_7_5,
                message='not a compute capability of 7.5 or higher, which SGLang needs: write it in quotes, like "8.6"',
                max_length=6,
            ),
        ]
        | None
    ) = Field(
        default=None,
        description='CUDA compute capability, such as "8.6"; SGLang needs 7.5 or higher. Required for GPUs.',
    )
    memory_gib: Annotated[int, Field(ge=1, le=1024)] = Field(
        alias="memoryGiB", description="Memory of one GPU, rounded down; with device: CPU, of one replica."
    )
    tensor_tflops: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        alias="tensorTFLOPS",
        description="Dense 16-bit tensor TFLOPS of one GPU. Seeds the capacity of services that do not set it.",
    )
    price_per_hour: (
        Annotated[
            str,
            matching(
                PRICE,
                message='not a price per hour: write a decimal number such as "0.35", in quotes and without a currency',
                max_length=16,
                more=(
                    rule(
                        "self.matches('[1-9]')",
                        "a price per hour of 0 would make every mix the cheapest: set what a replica costs, or leave "
                        "pricePerHour out",
                    ),
                ),
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="Cost per hour of one replica on this pool, including all its GPUs, as a decimal number in any "
        "currency, the same for all pools. allocation: Cheapest compares these prices.",
    )
    engine: PoolEngine = Field(default_factory=PoolEngine)

    @property
    def gpus(self) -> int:
        """Return the number of GPUs of one replica; 0 if engines compute on the CPU."""
        return 0 if self.device is Device.CPU else self.resource.count


class GPUPoolStatus(ApiModel):
    """Current nodes, GPUs and services of the pool."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    nodes: Annotated[int, Field(ge=0)] = 0
    gpus_allocatable: Annotated[int, Field(ge=0)] = 0
    gpus_in_use: Annotated[int, Field(ge=0)] = 0
    services: Annotated[int, Field(ge=0)] = 0
    conditions: Annotated[list[Condition], Field(max_length=16, json_schema_extra=list_map("type"))] = Field(
        default_factory=list
    )


OBJECT_RULES = (
    rule(
        f"size(self.metadata.name) <= {POOL_NAME_LENGTH} && self.metadata.name.matches('{DNS_LABEL}')",
        "the name becomes part of the names of Deployments and pods: use lower-case letters, digits and '-', "
        f"at most {POOL_NAME_LENGTH} characters",
        field=".metadata.name",
    ),
)
