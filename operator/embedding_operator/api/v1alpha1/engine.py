"""`spec.engine` and `spec.podTemplate`: settings of the engine pods beyond those that follow from model and pool."""

from typing import Annotated, Literal

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ATOMIC_LIST, ApiModel, FreeForm
from embedding_operator.api.v1alpha1.kubernetes_types import (
    AnnotationMap,
    LabelMap,
    LocalObjectReference,
    NodeSelector,
    ResourceRequirements,
    Toleration,
)
from embedding_operator.api.v1alpha1.pools import EngineArgs, EnvList


class EngineSpec(ApiModel):
    """Settings of the SGLang server on all pools; a pool's own settings are added after these."""

    image: Annotated[str, Field(min_length=1, max_length=500)] | None = Field(
        default=None, description="Default: the image of the GPUPool, else the operator's default engine image."
    )
    args: EngineArgs = Field(
        default_factory=list,
        description="Additional engine arguments. Options that the operator manages, or that only a GPUPool may set, "
        "are refused.",
    )
    env: EnvList = Field(
        default_factory=list,
        description="Additional environment variables of the engine. Those that only a GPUPool may set are refused.",
    )
    resources: ResourceRequirements = Field(
        default_factory=ResourceRequirements, description="CPU and memory. Default: requests of 2 CPUs and 8Gi."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Log level of the engine."
    )


class PodMetadata(ApiModel):
    """Labels and annotations of the engine pods."""

    labels: LabelMap = Field(default_factory=dict, description="Labels in addition to those of the operator.")
    annotations: AnnotationMap = Field(
        default_factory=dict, description="Annotations in addition to those of the operator."
    )


class PodTemplate(ApiModel):
    """The parts of a pod that a user may set. Host access, privileges and service accounts are not among them."""

    metadata: PodMetadata = Field(default_factory=PodMetadata)
    node_selector: NodeSelector = Field(default_factory=dict, description="Added to the labels of the GPUPool.")
    tolerations: Annotated[list[Toleration], Field(max_length=32, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list, description="Added to those of the GPUPool."
    )
    affinity: FreeForm | None = Field(default=None, description="As in a Kubernetes pod.")
    topology_spread_constraints: Annotated[list[FreeForm], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list, description="As in a Kubernetes pod."
    )
    priority_class_name: Annotated[str, Field(max_length=253)] | None = Field(
        default=None, description="PriorityClass of the engine and gateway pods."
    )
    image_pull_secrets: Annotated[list[LocalObjectReference], Field(max_length=16, json_schema_extra=ATOMIC_LIST)] = (
        Field(
            default_factory=list,
            description="Secrets with registry credentials, for engine and gateway pods.",
        )
    )
    termination_grace_period_seconds: Annotated[int, Field(ge=30, le=3600)] = Field(
        default=120, description="Time that requests in flight have to finish when a pod terminates."
    )
