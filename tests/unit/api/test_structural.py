"""The structural schema of every construct that a model may use."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from embedding_operator.api.structural import structural_schema
from embedding_operator.api.v1alpha1.base import ApiModel, FreeForm, list_map, rule, rules
from embedding_operator.api.v1alpha1.kubernetes_types import Quantity
from pydantic import Field, create_model


class Colour(StrEnum):
    """A colour."""

    RED = "Red"
    BLUE = "Blue"


class Leaf(ApiModel):
    """A leaf."""

    size: int = 3


class Named(ApiModel):
    """An entry with a name."""

    name: str


def field_schema(annotation: Any, default: Any = ...) -> Any:
    """Return the schema of a field `someField` of that type."""
    model = create_model("Model", __base__=ApiModel, some_field=(annotation, default))
    return structural_schema(model)["properties"]["someField"]


@pytest.mark.parametrize(
    ("annotation", "default", "schema"),
    [
        pytest.param(str, ..., {"type": "string"}, id="string"),
        pytest.param(bool, False, {"type": "boolean", "default": False}, id="default"),
        pytest.param(
            Annotated[str, Field(min_length=1, max_length=9, pattern="^a")],
            ...,
            {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"},
            id="bounded string",
        ),
        pytest.param(
            Annotated[int, Field(ge=1, le=9)],
            ...,
            {"type": "integer", "minimum": 1, "maximum": 9},
            id="inclusive bounds",
        ),
        pytest.param(
            Annotated[int, Field(gt=1, lt=9)],
            ...,
            {"type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True},
            id="exclusive bounds, in the form of OpenAPI v3",
        ),
        pytest.param(str | None, None, {"type": "string"}, id="optional: absent, not null"),
        pytest.param(
            Annotated[str, Field(max_length=9)] | None,
            Field(default=None, description="What it is."),
            {"type": "string", "maxLength": 9, "description": "What it is."},
            id="optional with description",
        ),
        pytest.param(
            Colour,
            Colour.RED,
            {"type": "string", "enum": ["Red", "Blue"], "description": "A colour.", "default": "Red"},
            id="enumeration, inlined",
        ),
        pytest.param(Literal["a", "b"], "a", {"type": "string", "enum": ["a", "b"], "default": "a"}, id="literals"),
        pytest.param(Literal["a"], ..., {"type": "string", "enum": ["a"]}, id="one literal"),
        pytest.param(
            Annotated[list[str], Field(max_length=2)],
            ...,
            {"type": "array", "maxItems": 2, "items": {"type": "string"}},
            id="list",
        ),
        pytest.param(
            Annotated[dict[str, int], Field(min_length=1, max_length=2)],
            ...,
            {"type": "object", "minProperties": 1, "maxProperties": 2, "additionalProperties": {"type": "integer"}},
            id="map",
        ),
        pytest.param(FreeForm, ..., {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, id="free form"),
        pytest.param(
            FreeForm | None,
            None,
            {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            id="optional free form",
        ),
        pytest.param(Quantity, ..., {"x-kubernetes-int-or-string": True}, id="integer or string"),
        pytest.param(
            dict[str, Quantity],
            ...,
            {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}},
            id="map of integers or strings",
        ),
    ],
)
def test_of_a_field(annotation: Any, default: Any, schema: dict[str, Any]) -> None:
    assert field_schema(annotation, default) == schema


def test_an_object_gets_an_empty_default_so_that_the_defaults_of_its_fields_apply() -> None:
    assert field_schema(Leaf, Field(default_factory=Leaf)) == {
        "type": "object",
        "description": "A leaf.",
        "properties": {"size": {"type": "integer", "default": 3}},
        "default": {},
    }


def test_an_optional_object_stays_absent() -> None:
    assert "default" not in field_schema(Leaf | None, None)


def test_an_object_with_required_fields_stays_absent() -> None:
    assert "default" not in field_schema(Named | None, None)
    assert field_schema(Named)["required"] == ["name"]


def test_the_description_of_a_field_goes_before_that_of_its_model() -> None:
    assert field_schema(Leaf, Field(default_factory=Leaf, description="This leaf."))["description"] == "This leaf."


def test_a_list_map_keeps_its_keys() -> None:
    schema = field_schema(Annotated[list[Named], Field(json_schema_extra=list_map("name"))])
    assert schema["x-kubernetes-list-type"] == "map"
    assert schema["x-kubernetes-list-map-keys"] == ["name"]
    assert schema["items"]["required"] == ["name"]


def test_rules_of_a_model_stand_at_its_object() -> None:
    class Pair(ApiModel):
        model_config = {"json_schema_extra": rules(rule("self.a < self.b", "raise b", field=".b"))}  # noqa: RUF012

        a: int
        b: int

    assert structural_schema(Pair)["x-kubernetes-validations"] == [
        {"rule": "self.a < self.b", "message": "raise b", "fieldPath": ".b"}
    ]
    assert "x-kubernetes-validations" in field_schema(list[Pair])["items"]


@pytest.mark.parametrize(
    "annotation",
    [
        pytest.param(int | str, id="union"),
        pytest.param(int | str | None, id="optional union"),
        pytest.param(tuple[int, str], id="tuple"),
        pytest.param(set[str], id="set"),
        pytest.param(dict[Annotated[str, Field(max_length=3)], int], id="constrained keys"),
        pytest.param(list[int | str], id="union within a list"),
    ],
)
def test_what_a_structural_schema_cannot_hold_is_refused(annotation: Any) -> None:
    with pytest.raises(ValueError, match="a structural schema cannot have"):
        field_schema(annotation)
