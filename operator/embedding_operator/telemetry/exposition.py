"""Reads a few metrics from a page in the Prometheus text format.

An engine's page has hundreds of lines, of which a dozen matter, and it is read every few seconds for every replica:
only the lines that begin with a wanted name are parsed.

A page is written by a pod that may belong to anyone. So every pattern is matched from where the last one ended and
holds what it has matched (possessive quantifiers): a line costs as much as it is long, whatever is in it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*+")
_SPACE = re.compile(r"[ \t]++")
_OPEN = re.compile(r"[ \t]*+\{")
_LABEL = re.compile(r'[ \t]*+([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]++|\\.)*+)"[ \t]*+,?+')
_CLOSE = re.compile(r"[ \t]*+\}")
_VALUE = re.compile(r"[^ \t]{1,64}+(?![^ \t])")
"""Longer ones are no numbers that Prometheus writes."""

_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n"}


class Line(NamedTuple):
    """One value of one metric."""

    labels: Mapping[str, str]
    value: float


def read_metrics(page: str, *, names: tuple[str, ...]) -> Mapping[str, Sequence[Line]]:
    """Return the lines of the metrics called `names`, in order; malformed lines are left out."""
    metrics: dict[str, list[Line]] = {name: [] for name in names}
    for text in page.split("\n"):
        found = _NAME.match(text) if text.startswith(names) else None
        if found is None or found[0] not in metrics:
            continue
        line = _line(text, begin=found.end())
        if line is not None:
            metrics[found[0]].append(line)
    return metrics


def _line(text: str, *, begin: int) -> Line | None:
    """Return what follows the name, which ends at `begin`; None if it is malformed."""
    labels: dict[str, str] = {}
    at, opened = begin, _OPEN.match(text, begin)
    if opened is not None:
        at = opened.end()
        # A label value may contain braces, such as the path of a route: the quotes show where it ends.
        while (label := _LABEL.match(text, at)) is not None:
            labels[label[1]] = _unescaped(label[2])
            at = label.end()
        closed = _CLOSE.match(text, at)
        if closed is None:
            return None
        at = closed.end()
    space = _SPACE.match(text, at)
    value = None if space is None else _VALUE.match(text, space.end())
    try:
        return None if value is None else Line(labels, float(value[0]))
    except ValueError:
        return None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text) if "\\" in text else text
