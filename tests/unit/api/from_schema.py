"""Objects that a structural schema accepts, drawn at random. CEL rules are ignored."""

import re
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.unit.domain.schedule.zones import ZONES

Schema = dict[str, Any]

LONGEST_TEXT = 12
LONGEST_LIST = 3


def accepted_by(schema: Schema, *, name: str = "") -> st.SearchStrategy[Any]:
    """Draw what `schema` accepts; `name` is that of the field."""
    if name == "timeZone":
        return st.sampled_from(ZONES)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("x-kubernetes-int-or-string"):
        return st.integers(0, 1000) | st.sampled_from(["500m", "8Gi", "1e3"])
    return _OF_TYPE[schema["type"]](schema)


def _text(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") == "date":
        return st.dates(date(2000, 1, 1), date(2999, 12, 31)).map(str)
    shortest, longest = schema.get("minLength", 0), schema["maxLength"]
    if "pattern" not in schema:
        return st.text(min_size=shortest, max_size=min(longest, LONGEST_TEXT))
    pattern = re.compile(schema["pattern"].replace("$", r"\Z"))
    return st.from_regex(pattern).filter(lambda text: shortest <= len(text) <= longest)


def _integer(schema: Schema) -> st.SearchStrategy[int]:
    return st.integers(schema.get("minimum", -(2**63)), schema.get("maximum", 2**63 - 1))


def _number(schema: Schema) -> st.SearchStrategy[float]:
    return st.floats(schema["minimum"], schema["maximum"], exclude_min=schema.get("exclusiveMinimum", False))


def _boolean(_: Schema) -> st.SearchStrategy[bool]:
    return st.booleans()


def _list(schema: Schema) -> st.SearchStrategy[list[Any]]:
    shortest, longest = schema.get("minItems", 0), min(schema["maxItems"], LONGEST_LIST)
    keys = schema.get("x-kubernetes-list-map-keys")
    identity = (lambda entry: tuple(entry[key] for key in keys)) if keys else repr
    return st.lists(accepted_by(schema["items"]), min_size=shortest, max_size=longest, unique_by=identity)


def _object(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    if "additionalProperties" in schema:
        values = accepted_by(schema["additionalProperties"])
        least, most = schema.get("minProperties", 0), min(schema["maxProperties"], LONGEST_LIST)
        return st.dictionaries(st.text("abc./", min_size=1, max_size=5), values, min_size=least, max_size=most)
    if "properties" not in schema:
        return st.just({"anything": [1, "two", {"three": None}]})
    fields = {name: accepted_by(child, name=name) for name, child in schema["properties"].items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


_OF_TYPE = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _list,
    "object": _object,
}
