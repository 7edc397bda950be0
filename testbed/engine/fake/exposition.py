"""The Prometheus text format: families of samples, and how a broken endpoint garbles them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Kind(Enum):
    """Type of a family."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value with its labels."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name; a counter's name ends in `_total`."""

    name: str
    kind: Kind
    explanation: str
    samples: Sequence[Sample]


def render(families: Iterable[Family]) -> str:
    """Return the text of the families that have samples."""
    return "".join(_text(family) for family in families if family.samples)


def renamed(families: Iterable[Family]) -> list[Family]:
    """Return the families with names without a colon."""
    return [replace(family, name=family.name.replace(":", "_")) for family in families]


def without_numbers(families: Iterable[Family]) -> list[Family]:
    """Return the families with NaN in place of every value."""
    return [
        replace(family, samples=[replace(sample, value=math.nan) for sample in family.samples]) for family in families
    ]


def cut(text: str) -> str:
    """Return the text cut off in the middle of its middle line."""
    start = text.rindex("\n", 0, len(text) // 2) + 1
    return text[: (start + text.index("\n", start)) // 2]


def _text(family: Family) -> str:
    lines = [f"# HELP {family.name} {family.explanation}", f"# TYPE {family.name} {family.kind.value}"]
    lines += [f"{family.name}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    written = ",".join(f'{name}="{_escaped(labels[name])}"' for name in sorted(labels))
    return f"{{{written}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(float(value))
