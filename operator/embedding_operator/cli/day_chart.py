"""A day as a text chart: the load that arrived, and the replicas of each pool over the same hours."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from embedding_operator.cli.simulation_results import Curve
from embedding_operator.cli.step_text import figure

COLUMNS = 72
HIGHEST = 8
LOAD_LINES = 5
BLOCKS = " ▁▂▃▄▅▆▇█"
LABEL = 12
HOUR_SECONDS, DAY_SECONDS = 3600.0, 86_400.0
HOURS_PER_MARK = 3


def chart(curve: Curve) -> str:
    """Return the chart; hours count from the midnight at which the day of the trace begins."""
    lines = [*_panel("tokens/s", _columns(curve.tokens_per_second), lines=LOAD_LINES)]
    for pool, replicas in curve.replicas.items():
        columns = _columns(replicas)
        lines += ["", *_panel(pool, columns, lines=min(HIGHEST, max(1, math.ceil(max(columns, default=0)))))]
    lines.append(_hours(curve))
    return "\n".join(lines)


def _columns(values: Sequence[float]) -> list[float]:
    """Return the largest value within each column."""
    count = min(COLUMNS, len(values))
    edges = [round(column * len(values) / count) for column in range(count + 1)] if count else []
    return [max(values[begin:end]) for begin, end in pairwise(edges)]


def _panel(label: str, columns: Sequence[float], *, lines: int) -> Iterator[str]:
    top = max(columns, default=0.0)
    for line in range(lines, 0, -1):
        name, scale = (label, figure(top)) if line == lines else ("", "")
        cells = "".join(_block(value / top * lines - (line - 1) if top else 0.0) for value in columns)
        yield f"{name:<{LABEL}.{LABEL}}{scale:>8} │{cells}".rstrip()


def _block(height: float) -> str:
    return BLOCKS[min(len(BLOCKS) - 1, max(0, round(height * (len(BLOCKS) - 1))))]


def _hours(curve: Curve) -> str:
    span = curve.step * len(curve.tokens_per_second)
    columns = min(COLUMNS, len(curve.tokens_per_second))
    marks = [" "] * (columns + len("00"))
    first = curve.begin / HOUR_SECONDS
    hour = math.ceil(first / HOURS_PER_MARK) * HOURS_PER_MARK
    while (hour - first) * HOUR_SECONDS < span:
        at = round((hour - first) * HOUR_SECONDS / span * columns)
        marks[at : at + 2] = f"{hour % 24:02d}"
        hour += HOURS_PER_MARK
    return f"{'hour':<{LABEL}}{'':>8}  {''.join(marks)}".rstrip()
