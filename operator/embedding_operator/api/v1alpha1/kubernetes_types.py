"""The few Kubernetes core types that appear in the custom resources."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import (
    ATOMIC_LIST,
    ATOMIC_MAP,
    ApiModel,
    FreeForm,
    ObjectName,
    matching,
    rule,
    rules,
)

Quantity = Annotated[str | int, Field(json_schema_extra={"x-kubernetes-int-or-string": True})]
"""A Kubernetes quantity such as `500m`, `8Gi` or `1`."""

QuantityMap = Annotated[
    dict[str, Quantity],
    Field(
        max_length=8,
        json_schema_extra=rules(
            rule(
                "self.all(name, isQuantity(string(self[name])))",
                "a value is not a quantity: write numbers such as 500m, 2 or 8Gi, without a space",
            )
        ),
    ),
]

LabelValue = Annotated[str, Field(max_length=63)]
LABEL_RULES = rules(
    rule(
        "self.all(key, !format.qualifiedName().validate(key).hasValue())",
        "a key is not a Kubernetes label name: use letters, digits, '-', '_', '.' and at most one prefix such as "
        "example.com/",
    ),
    rule(
        "self.all(key, !format.labelValue().validate(self[key]).hasValue())",
        "a value is not a Kubernetes label value: use letters, digits, '-', '_' and '.', and begin and end with a "
        "letter or digit",
    ),
)
LabelMap = Annotated[dict[str, LabelValue], Field(max_length=32, json_schema_extra=LABEL_RULES)]
NodeSelector = Annotated[dict[str, LabelValue], Field(max_length=32, json_schema_extra={**LABEL_RULES, **ATOMIC_MAP})]
AnnotationMap = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32)]


class SecretKeyRef(ApiModel):
    """One key of a Secret in the namespace of the object that names it."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Annotated[str, Field(min_length=1, max_length=253)] = Field(default="token", description="Key in the Secret.")


class EnvVar(ApiModel):
    """An environment variable of the engine container."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!(has(self.value) && has(self.valueFrom))",
                "value and valueFrom are mutually exclusive: remove one of them",
            )
        )
    )

    name: Annotated[
        str,
        matching(
            "^[-._a-zA-Z][-._a-zA-Z0-9]*$",
            message="not a valid variable name: use letters, digits, '_', '-' and '.', and do not begin with a digit",
            max_length=253,
        ),
    ] = Field(description="Name of the variable.")
    value: Annotated[str, Field(max_length=8192)] | None = Field(default=None, description="Literal value.")
    value_from: FreeForm | None = Field(default=None, description="As in a Kubernetes container.")


class ResourceRequirements(ApiModel):
    """CPU and memory of a container. GPUs are added by the operator from the `GPUPool`."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.requests) || !has(self.limits) || ['cpu', 'memory'].all(name, !(name in self.requests) || "
                "!(name in self.limits) || "
                "quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)",
                "a request is above its limit: lower the request or raise the limit",
                field=".requests",
            )
        )
    )

    requests: QuantityMap = Field(default_factory=dict, description="Resources that are reserved for a replica.")
    limits: QuantityMap = Field(default_factory=dict, description="Resources that a replica may use at most.")


class Toleration(ApiModel):
    """As in a Kubernetes pod."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "has(self.key) && self.key != '' || has(self.operator) && self.operator == 'Exists'",
                "a toleration without key tolerates every taint: add operator: Exists if you intend this, else a key",
            ),
            rule(
                "!(has(self.operator) && self.operator == 'Exists' && has(self.value) && self.value != '')",
                "operator Exists compares no value: remove value or use operator: Equal",
                field=".value",
            ),
            rule(
                "!has(self.tolerationSeconds) || has(self.effect) && self.effect == 'NoExecute'",
                "tolerationSeconds needs effect: NoExecute",
                field=".tolerationSeconds",
            ),
        )
    )

    key: Annotated[str, Field(max_length=317)] | None = Field(
        default=None, description="Key of the taint. None, with operator Exists: every taint."
    )
    operator: Literal["Exists", "Equal"] | None = Field(default=None, description="Default: Equal.")
    value: LabelValue | None = Field(default=None, description="Value of the taint, with operator Equal.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint. None: every effect."
    )
    toleration_seconds: int | None = Field(
        default=None, description="How long a NoExecute taint is tolerated. None: forever."
    )


class LocalObjectReference(ApiModel):
    """The name of an object in the same namespace."""

    name: ObjectName = Field(description="Name of the object.")


class LabelSelectorRequirement(ApiModel):
    """An expression of a label selector."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                "operators In and NotIn need values, Exists and DoesNotExist take none",
                field=".values",
            )
        )
    )

    key: Annotated[str, Field(min_length=1, max_length=317)] = Field(description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How the label is compared.")
    values: Annotated[list[LabelValue], Field(max_length=64, json_schema_extra=ATOMIC_LIST)] = Field(
        default_factory=list, description="Values of In and NotIn."
    )


class LabelSelector(ApiModel):
    """A Kubernetes label selector; an empty one selects everything."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_labels: LabelMap = Field(default_factory=dict, description="Labels that must have these values.")
    match_expressions: Annotated[
        list[LabelSelectorRequirement], Field(max_length=32, json_schema_extra=ATOMIC_LIST)
    ] = Field(default_factory=list, description="Expressions that must all be true.")

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object that carries `labels` is selected."""
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(_meets(requirement, labels) for requirement in self.match_expressions)


def _meets(requirement: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
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
