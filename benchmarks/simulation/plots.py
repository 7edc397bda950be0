"""Plots of the cost and lateness of policies, as SVG files that are reproducible from the results."""

from collections.abc import Sequence
from pathlib import Path

from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from benchmarks.simulation.choice import LATE_LIMIT
from benchmarks.simulation.drawing import save
from benchmarks.simulation.results import Kind
from benchmarks.simulation.summary import Row
from benchmarks.simulation.targets import COST_LIMIT, TUNED, WARM, judged

COLUMNS = 3
COLOURS = 20
LATE_TICKS = (0, LATE_LIMIT * 100, 1, 5, 20, 100)
MARKERS = {Kind.OURS: "*", Kind.BASELINE: "o", Kind.BOUND: "D"}
OURS_OR_BOUND = {Kind.OURS: "black", Kind.BOUND: "0.5"}
FAIR_MARKER = "s"
NamedRows = tuple[str, Sequence[Row]]


def pareto(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw cost relative to the clairvoyant against the share of late requests, one panel for each trace.

    Only warm starts are shown; hollow marks are default settings.
    """
    columns = min(COLUMNS, len(traces))
    lines = -(-len(traces) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.6 * lines), layout="constrained")
    panels: list[Axes] = list(figure.subplots(lines, columns, squeeze=False).flatten())
    colours = _colours(traces)
    for panel, (name, rows) in zip(panels, traces, strict=False):
        for row in _plotted(rows):
            is_filled = row.tuning == TUNED or row.kind is Kind.BOUND
            _mark(panel, row, at=(_ratio(row), row.late.mean * 100), colour=colours[row.policy], is_filled=is_filled)
        panel.set(title=name, xlabel="cost, x clairvoyant", ylabel="late, %")
        panel.set_yscale("symlog", linthresh=LATE_LIMIT * 100)
        panel.set_yticks(LATE_TICKS, [f"{tick:g}" for tick in LATE_TICKS], minor=False)
        panel.set(ylim=(-0.05, 100))
        panel.axvline(COST_LIMIT, color="0.8", zorder=0)
        panel.axhline(LATE_LIMIT * 100, color="0.8", zorder=0)
    for panel in panels[len(traces) :]:
        panel.set_axis_off()
    handles, labels = _legend(panels)
    figure.legend(handles, labels, loc="outside lower center", ncols=2 * columns, fontsize="small", frameon=False)
    save(figure, path)


def ratios(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw the cost of each policy relative to the clairvoyant on each trace; hollow marks are too late.

    Only warm starts are shown, with tuned settings where available.
    """
    figure = Figure(figsize=(1.1 * len(traces) + 4, 4.2), layout="constrained")
    panel = figure.subplots()
    colours = _colours(traces)
    for place, (_, rows) in enumerate(traces):
        for row in judged(_plotted(rows)):
            is_filled = row.late.mean <= LATE_LIMIT
            _mark(panel, row, at=(place, _ratio(row)), colour=colours[row.policy], is_filled=is_filled)
    panel.set_xticks(range(len(traces)), [name for name, _ in traces], rotation=30, ha="right")
    panel.set(ylabel="cost, x clairvoyant", xlim=(-0.5, len(traces) - 0.5))
    panel.axhline(1.0, color="0.6", zorder=0)
    panel.axhline(COST_LIMIT, color="0.8", zorder=0)
    handles, labels = _legend([panel])
    figure.legend(handles, labels, loc="outside right upper", fontsize="small", frameon=False)
    save(figure, path)


def _mark(panel: Axes, row: Row, *, at: tuple[float, float], colour: str, is_filled: bool) -> None:
    panel.plot(
        *at,
        FAIR_MARKER if row.policy == FAIR_BASELINE else MARKERS[row.kind],
        color=colour,
        markerfacecolor=colour if is_filled else "none",
        markersize=10 if row.kind is Kind.OURS else 6,
        label=row.policy,
    )


def _plotted(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.start == WARM and row.kind in MARKERS and row.ratio is not None]


def _ratio(row: Row) -> float:
    """Return the ratio of a row that is plotted and thus has one."""
    return row.ratio.mean if row.ratio else 0.0


def _colours(traces: Sequence[NamedRows]) -> dict[str, str]:
    plotted = [row for _, rows in traces for row in _plotted(rows)]
    baselines = sorted({row.policy for row in plotted if row.kind is Kind.BASELINE})
    return {
        **{row.policy: OURS_OR_BOUND[row.kind] for row in plotted if row.kind in OURS_OR_BOUND},
        **{policy: to_hex(colormaps["tab20"](place % COLOURS)) for place, policy in enumerate(baselines)},
    }


def _legend(panels: Sequence[Axes]) -> tuple[list[Artist], list[str]]:
    """Return one handle for each label used by any panel."""
    known: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    return [known[label] for label in sorted(known)], sorted(known)
