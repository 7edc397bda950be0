"""A parser of the Prometheus text format for a few names only.

An engine's page has hundreds of lines, of which a dozen matter, and it is read every few seconds for every replica:
only lines that begin with a wanted name are parsed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LABEL = re.compile(rf"([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*({_QUOTED})")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n"}


class Line(NamedTuple):
    """One value of one metric."""

    labels: Mapping[str, str]
    value: float


# A label value may contain braces, such as the path of a route: only the quotes tell where the labels end.
_LINE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t]*(?:\{{((?:[^\"}}]|{_QUOTED})*)\}})?[ \t]+(\S+)")


def read_metrics(page: str, *, names: tuple[str, ...]) -> Mapping[str, Sequence[Line]]:
    """Return the lines of the metrics called `names`, in order; lines whose value is not a number are left out."""
    metrics: dict[str, list[Line]] = {name: [] for name in names}
    for text in page.split("\n"):
        parts = _LINE.match(text) if text.startswith(names) else None
        if parts is None or parts[1] not in metrics:
            continue
        try:
            value = float(parts[3])
        except ValueError:
            continue
        labels = {label: _unquoted(quoted) for label, quoted in _LABEL.findall(parts[2] or "")}
        metrics[parts[1]].append(Line(labels, value))
    return metrics


def _unquoted(quoted: str) -> str:
    text = quoted[1:-1]
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text) if "\\" in text else text
