"""From a template and values to the text of a configuration file that is neither YAML nor JSON.

The rendered text is code to the program that reads it. So a template accepts only what cannot become syntax: integers,
plain words, and `Literal`s, which the caller has quoted.
"""

import re
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined, select_autoescape

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*|(/[A-Za-z0-9][A-Za-z0-9._-]*)+")


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that already follows the file's syntax."""

    text: str


class UnsafeValueError(ValueError):
    """A value that could become syntax where it is inserted."""


def render(template: str, /, **values: object) -> str:
    """Return the text that `template` describes with `values`.

    Raises `jinja2.UndefinedError` if a value is missing and `UnsafeValueError` if one is not a number, word or
    `Literal`.
    """
    return _ENVIRONMENT.get_template(template).render(values)


def source(template: str) -> str:
    """Return the text of a template that takes no values."""
    return str(_LOADER.get_source(_ENVIRONMENT, template)[0])


def _checked(value: object) -> object:
    match value:
        case Undefined():
            return value
        case Literal(text=text):
            return text
        case int() if not isinstance(value, bool):
            return value
        case str() if _WORD.fullmatch(value):
            return value
    message = f"{value!r} is neither a whole number nor a plain word or path"
    raise UnsafeValueError(message)


_LOADER = PackageLoader("embedding_operator.rendering")
_ENVIRONMENT = Environment(
    loader=_LOADER,
    undefined=StrictUndefined,
    autoescape=select_autoescape(enabled_extensions=()),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    auto_reload=False,
    finalize=_checked,
)
_ENVIRONMENT.globals.clear()
