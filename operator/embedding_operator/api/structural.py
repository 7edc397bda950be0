"""Converts pydantic models to Kubernetes structural schemas.

Pydantic writes JSON Schema 2020-12; a CustomResourceDefinition takes a subset of OpenAPI v3: no references, no titles,
no `anyOf` with null, no `const`, and `additionalProperties` only for maps.
"""

from typing import Any

from pydantic import BaseModel

JsonSchema = dict[str, Any]

_DROPPED = frozenset({"title", "$defs", "const"})
_REFUSED = frozenset({"oneOf", "allOf", "not", "prefixItems", "patternProperties", "propertyNames", "uniqueItems"})


def structural_schema(model: type[BaseModel]) -> JsonSchema:
    """Return the structural schema of `model`, with references inlined and a stable key order.

    Raises `ValueError` for a construct that a structural schema cannot express.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(document, definitions=document.get("$defs", {}))


def _convert(node: JsonSchema, *, definitions: dict[str, JsonSchema]) -> JsonSchema:
    node = _inlined(node, definitions=definitions)
    if refused := _REFUSED & node.keys():
        message = f"a structural schema cannot have {', '.join(sorted(refused))}: {node}"
        raise ValueError(message)
    if "anyOf" in node:
        return _union(node, definitions=definitions)
    converted: JsonSchema = {key: value for key, value in node.items() if key not in _DROPPED}
    if "const" in node:
        converted["enum"] = [node["const"]]
    if node.get("properties") is not None:
        converted["properties"] = {
            name: _property(child, definitions=definitions, required=name in node.get("required", ()))
            for name, child in node["properties"].items()
        }
        converted.pop("additionalProperties", None)
    elif isinstance(node.get("additionalProperties"), dict):
        converted["additionalProperties"] = _convert(node["additionalProperties"], definitions=definitions)
    elif node.get("additionalProperties") is True:
        converted.pop("additionalProperties")
        converted["x-kubernetes-preserve-unknown-fields"] = True
    if "items" in node:
        converted["items"] = _convert(node["items"], definitions=definitions)
    return _bounds(converted)


def _inlined(node: JsonSchema, *, definitions: dict[str, JsonSchema]) -> JsonSchema:
    """Return `node` with its reference replaced by the definition; keywords beside the reference win."""
    while "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", maxsplit=1)[-1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _property(node: JsonSchema, *, definitions: dict[str, JsonSchema], required: bool) -> JsonSchema:
    converted = _convert(node, definitions=definitions)
    nullable = any(option.get("type") == "null" for option in node.get("anyOf", ()))
    if nullable and converted.get("default", ...) is None:
        del converted["default"]
    # An absent object cannot carry the defaults of its fields: an empty object as its own default makes them apply.
    optional_object = not required and not nullable and "properties" in converted and not converted.get("required")
    if optional_object and "default" not in converted:
        converted["default"] = {}
    return converted


def _union(node: JsonSchema, *, definitions: dict[str, JsonSchema]) -> JsonSchema:
    siblings = {key: value for key, value in node.items() if key not in _DROPPED | {"anyOf"}}
    options = [option for option in node["anyOf"] if option.get("type") != "null"]
    if siblings.get("x-kubernetes-int-or-string"):
        return siblings
    if len(options) != 1:
        message = f"a structural schema cannot have unions: {node['anyOf']}"
        raise ValueError(message)
    return {**_convert(options[0], definitions=definitions), **siblings}


def _bounds(node: JsonSchema) -> JsonSchema:
    """Return `node` with exclusive bounds in OpenAPI v3's boolean form."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in node:
            node[inclusive] = node[exclusive]
            node[exclusive] = True
    return node
