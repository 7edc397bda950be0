"""Plots of the results, as SVG files that are the same whenever the results are."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.simulation.choice import LATE_LIMIT
from benchmarks.simulation.results import Curve, Kind
from benchmarks.simulation.summary import Row
from benchmarks.simulation.targets import COST_LIMIT, TUNED, WARM

BIN_SECONDS = 300.0
HOUR_SECONDS = 3600.0
COLUMNS = 3
MARKERS = {Kind.OURS: "*", Kind.BASELINE: "o", Kind.BOUND: "D"}
NamedRows = tuple[str, Sequence[Row]]


def pareto(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw cost over the clairvoyant's against the share of late requests, a panel for each trace, warm starts."""
    columns = min(COLUMNS, len(traces))
    lines = -(-len(traces) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.6 * lines), layout="constrained")
    panels: list[Axes] = list(figure.subplots(lines, columns, squeeze=False).flatten())
    colours = _colours(traces)
    for panel, (name, rows) in zip(panels, traces, strict=False):
        for row in _plotted(rows):
            _dot(panel, row, colour=colours[row.policy])
        panel.set(title=name, xlabel="cost, x clairvoyant", ylabel="late, %", yscale="symlog", ylim=(0, 100))
        panel.axvline(COST_LIMIT, color="0.8", zorder=0)
        panel.axhline(LATE_LIMIT * 100, color="0.8", zorder=0)
    for panel in panels[len(traces) :]:
        panel.set_axis_off()
    handles, labels = _legend(panels)
    figure.legend(handles, labels, loc="outside lower center", ncols=columns + 1, fontsize="small", frameon=False)
    _save(figure, path)


def ratios(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw what each policy costs over the clairvoyant on each trace, warm starts; hollow where too many were late."""
    figure = Figure(figsize=(1.6 + 1.1 * len(traces) + 3, 4.2), layout="constrained")
    panel = figure.subplots()
    colours = _colours(traces)
    for place, (_, rows) in enumerate(traces):
        for row in _plotted(rows):
            _ratio(panel, row, place=place, colour=colours[row.policy])
    panel.set_xticks(range(len(traces)), [name for name, _ in traces], rotation=30, ha="right")
    panel.set(ylabel="cost, x clairvoyant", xlim=(-0.5, len(traces) - 0.5))
    panel.axhline(1.0, color="0.6", zorder=0)
    panel.axhline(COST_LIMIT, color="0.8", zorder=0)
    handles, labels = _legend([panel])
    figure.legend(handles, labels, loc="outside right upper", fontsize="small", frameon=False)
    _save(figure, path)


def days(curves: Sequence[Curve], *, path: Path) -> None:
    """Draw replicas and waiting requests over a day, a column for each curve; nothing without curves."""
    if not curves:
        return
    figure = Figure(figsize=(4.6 * len(curves), 5.2), layout="constrained")
    panels = figure.subplots(2, len(curves), squeeze=False, sharex=True, sharey="row")
    for column, curve in enumerate(curves):
        _replicas(panels[0][column], curve)
        _waiting(panels[1][column], curve)
    panels[0][0].set_ylabel("replicas")
    panels[1][0].set_ylabel("waiting requests")
    _save(figure, path)


def _replicas(panel: Axes, curve: Curve) -> None:
    hours = _hours(curve)
    below = [0.0] * len(hours)
    for pool, ready in curve.ready.items():
        top = [low + most for low, most in zip(below, _binned(ready, step=curve.step), strict=True)]
        panel.fill_between(hours, below, top, step="post", alpha=0.5, label=f"{pool} ready", linewidth=0)
        below = top
    asked = [
        sum(pools) for pools in zip(*(_binned(pool, step=curve.step) for pool in curve.replicas.values()), strict=True)
    ]
    panel.step(hours, asked, where="post", color="black", linewidth=0.8, label="asked for")
    key = curve.key
    panel.set_title(f"{key.policy}, {key.tuning}, {key.start}", fontsize="medium")
    panel.legend(fontsize="x-small", frameon=False)


def _waiting(panel: Axes, curve: Curve) -> None:
    panel.step(_hours(curve), _binned(curve.waiting, step=curve.step), where="post", color="tab:red", linewidth=0.8)
    panel.set(xlabel="hour", yscale="symlog", ylim=(0, None))


def _hours(curve: Curve) -> list[float]:
    count = len(_binned(curve.waiting, step=curve.step))
    width = _per_bin(curve.step) * curve.step
    return [place * width / HOUR_SECONDS for place in range(count)]


def _binned(figures: Sequence[float], *, step: float) -> list[float]:
    """Return the most of each five minutes, so that no peak is lost."""
    size = _per_bin(step)
    return [float(max(figures[first : first + size])) for first in range(0, len(figures), size)]


def _per_bin(step: float) -> int:
    return max(1, round(BIN_SECONDS / step))


def _plotted(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.start == WARM and row.kind in MARKERS and row.ratio is not None]


def _dot(panel: Axes, row: Row, *, colour: str) -> None:
    late = max(row.late.mean, 0.0) * 100
    ratio = row.ratio.mean if row.ratio else 0.0
    filled = colour if row.tuning == TUNED or row.kind is Kind.BOUND else "none"
    panel.plot(ratio, late, MARKERS[row.kind], color=colour, markerfacecolor=filled, label=_label(row))


def _ratio(panel: Axes, row: Row, *, place: int, colour: str) -> None:
    filled = colour if row.late.mean <= LATE_LIMIT else "none"
    ratio = row.ratio.mean if row.ratio else 0.0
    shift = {"default": -0.1, TUNED: 0.1}.get(row.tuning, 0.0)
    panel.plot(place + shift, ratio, MARKERS[row.kind], color=colour, markerfacecolor=filled, label=_label(row))


def _label(row: Row) -> str:
    return f"{row.policy} ({row.scenario})"


def _colours(traces: Sequence[NamedRows]) -> dict[str, str]:
    policies = sorted({row.policy for _, rows in traces for row in _plotted(rows)})
    return {policy: f"C{place % 10}" for place, policy in enumerate(policies)}


def _legend(panels: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """Return one handle for each label that any panel uses."""
    known: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    return list(known.values()), list(known)


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "embedding-operator", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
