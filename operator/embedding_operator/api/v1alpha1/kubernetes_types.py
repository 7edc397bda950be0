"""The few Kubernetes core types that users write inside our resources."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import ATOMIC_MAP, ApiModel, FreeForm, ObjectName, rule, rules

Quantity = Annotated[str | int, Field(json_schema_extra={"x-kubernetes-int-or-string": True})]
"""A Kubernetes quantity such as `500m`, `8Gi` or `1`."""

LabelMap = Annotated[dict[str, Annotated[str, Field(max_length=1024)]], Field(max_length=64)]


class SecretKeyRef(ApiModel):
    """One key of a Secret in the namespace of the object that names it."""

    name: ObjectName
    key: Annotated[str, Field(min_length=1, max_length=253)] = "token"


class EnvVar(ApiModel):
    """An environment variable of the engine container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.value) && has(self.valueFrom))",
                "value and valueFrom exclude each other: remove one of them",
            )
        )
    )

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")]
    value: Annotated[str, Field(max_length=8192)] | None = None
    value_from: FreeForm | None = Field(default=None, description="As in a Kubernetes container.")


class ResourceRequirements(ApiModel):
    """CPU and memory of a container. GPUs are added by the operator from the `GPUPool`."""

    requests: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)
    limits: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(default_factory=dict)


class Toleration(ApiModel):
    """As in a Kubernetes pod."""

    key: Annotated[str, Field(max_length=317)] | None = None
    operator: Literal["Exists", "Equal"] | None = None
    value: Annotated[str, Field(max_length=63)] | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    toleration_seconds: int | None = None


class LocalObjectReference(ApiModel):
    """The name of an object in the same namespace."""

    name: ObjectName


class LabelSelectorRequirement(ApiModel):
    """One expression of a label selector."""

    key: Annotated[str, Field(min_length=1, max_length=317)]
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=64)] = Field(default_factory=list)


class LabelSelector(ApiModel):
    """A Kubernetes label selector; an empty one selects everything."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64)] = Field(
        default_factory=dict
    )
    match_expressions: Annotated[list[LabelSelectorRequirement], Field(max_length=32)] = Field(default_factory=list)

    def selects(self, labels: dict[str, str]) -> bool:
        """Return whether an object that carries `labels` is selected."""
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(_meets(requirement, labels) for requirement in self.match_expressions)


def _meets(requirement: LabelSelectorRequirement, labels: dict[str, str]) -> bool:
    present = requirement.key in labels
    match requirement.operator:
        case "In":
            return present and labels[requirement.key] in requirement.values
        case "NotIn":
            return not present or labels[requirement.key] not in requirement.values
        case "Exists":
            return present
        case "DoesNotExist":
            return not present
