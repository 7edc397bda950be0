"""From a template and values to an object.

Templates are readable YAML. No value ever becomes text in one: the filter `value` puts a numbered slot where the value
belongs, the text is parsed with its slots, and then they are filled. So nothing that a user writes can become syntax,
and the parsed text does not depend on it: a template is parsed once.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined, pass_context, select_autoescape
from jinja2.runtime import Context

_SLOTS = "slots"
_TAG = "!slot"


@dataclass(frozen=True, slots=True)
class _Slot:
    number: int


class _Loader(yaml.CSafeLoader):
    """Plain YAML and slots, by the parser in C."""


def _slot(loader: _Loader, node: yaml.ScalarNode) -> _Slot:
    return _Slot(int(loader.construct_scalar(node)))


_Loader.add_constructor(_TAG, _slot)


def render(template: str, /, **values: object) -> dict[str, Any]:
    """Return the object that `template` describes with `values`; raise `jinja2.UndefinedError` if one is missing.

    Values must be representable in JSON. The object shares nothing with them.
    """
    slots: list[Any] = []
    text = _ENVIRONMENT.get_template(template).render({**values, _SLOTS: slots})
    document: dict[str, Any] = _filled(_parsed(text), slots=slots)
    return document


@pass_context
def _value(context: Context, value: object) -> str:
    if isinstance(value, Undefined):
        return str(value)  # raises the error that names what is undefined
    slots: list[Any] = context[_SLOTS]
    slots.append(json.loads(json.dumps(value)))
    return f"{_TAG} {len(slots) - 1}"


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a CSafeLoader)


def _filled(node: Any, *, slots: list[Any]) -> Any:
    match node:
        case _Slot():
            return slots[node.number]
        case dict():
            return {key: _filled(child, slots=slots) for key, child in node.items()}
        case list():
            return [_filled(child, slots=slots) for child in node]
        case _:
            return node


_ENVIRONMENT = Environment(
    loader=PackageLoader("embedding_operator.rendering"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(enabled_extensions=()),
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_ENVIRONMENT.filters["value"] = _value
# Jinja's own names, such as `namespace`, would silently replace missing values.
_ENVIRONMENT.globals.clear()
