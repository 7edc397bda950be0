"""Behaviour common to all API models, and field types that several of them share."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

GROUP = "embedding-operator.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class ApiModel(BaseModel):
    """A frozen part of a custom resource: camelCase in JSON, snake_case in Python.

    Unknown fields are ignored, so that objects written by a newer version of the API stay readable.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], document: Any) -> Model | None:
    """Return `document` as a `model`, or None if it is not valid, such as an object of another version."""
    try:
        return model.model_validate(document)
    except ValidationError:
        return None


def rule(expression: str, message: str, *, field: str | None = None) -> dict[str, str]:
    """Return a CEL validation rule; `message` must name the field and the fix, `field` is its path."""
    validation = {"rule": expression, "message": message}
    if field is not None:
        validation["fieldPath"] = field
    return validation


def rules(*validations: dict[str, str], **keywords: Any) -> dict[str, Any]:
    """Return the JSON-schema extra with CEL rules and further `x-kubernetes-*` keywords."""
    return {"x-kubernetes-validations": list(validations), **keywords}


def matching(pattern: str, *, message: str, max_length: int, more: Sequence[dict[str, str]] = ()) -> Any:
    """Return a string field that must match `pattern`; `message` says in words what to write.

    `more` holds further rules.
    """
    # Tools check the pattern, but its own error shows only the expression: the rule adds an explanation.
    return Field(
        min_length=1,
        max_length=max_length,
        pattern=pattern,
        json_schema_extra=rules(rule(f"self.matches(r'{pattern}')", message), *more),
    )


def list_map(*keys: str) -> dict[str, Any]:
    """Return the JSON-schema extra of a list whose entries are merged by `keys` under server-side apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


SET_LIST: dict[str, Any] = {"x-kubernetes-list-type": "set"}
ATOMIC_LIST: dict[str, Any] = {"x-kubernetes-list-type": "atomic"}
ATOMIC_MAP: dict[str, Any] = {"x-kubernetes-map-type": "atomic"}

POOL_NAME_LENGTH = 30
PoolName = Annotated[
    str,
    matching(
        DNS_LABEL,
        message="not a valid GPUPool name: use lower-case letters, digits and '-'",
        max_length=POOL_NAME_LENGTH,
    ),
]
"""The name of a `GPUPool`. It is short because it becomes part of the names of Deployments and pods."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253)]

FreeForm = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""A part of a Kubernetes core type; the API server validates it when the child that contains it is applied."""
