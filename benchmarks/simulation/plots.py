"""Plots of the cost and lateness of policies, as SVG files that are reproducible from the results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.simulation.choice import LATE_LIMIT
from benchmarks.simulation.drawing import save
from benchmarks.simulation.results import Kind
from benchmarks.simulation.summary import Row
from benchmarks.simulation.targets import COST_LIMIT, TUNED, WARM, judged

COLUMNS = 3
COLOURS = 20
LATE_TICKS = (0, LATE_LIMIT * 100, 1, 5, 20, 100)
OURS_MARKER = "*"
BOUND_MARKERS = "Dd"
BASELINE_MARKERS = "os^v<>PXhH8p"
OURS_COLOUR, BOUND_COLOURS = "black", ("0.45", "0.7")
SPREAD = 0.6
"""Width over which the policies of one trace lie side by side, where 1 is the distance between two traces."""

NamedRows = tuple[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Look:
    """How a policy is drawn in every plot; `place` is from 0 to 1, its place among the policies."""

    marker: str
    colour: str
    place: float


def pareto(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw cost relative to the clairvoyant against the share of late requests, one panel for each trace.

    Only warm starts are shown.
    """
    columns = min(COLUMNS, len(traces))
    lines = -(-len(traces) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.6 * lines), layout="constrained")
    panels: list[Axes] = list(figure.subplots(lines, columns, squeeze=False).flatten())
    looks = _looks(traces)
    for panel, (name, rows) in zip(panels, traces, strict=False):
        for row in _plotted(rows):
            _mark(panel, row, at=(_ratio(row), row.late.mean * 100), look=looks[row.policy])
        panel.set(title=name, xlabel="cost, x clairvoyant", ylabel="late, %")
        panel.set_yscale("symlog", linthresh=LATE_LIMIT * 100)
        panel.set_yticks(LATE_TICKS, [f"{tick:g}" for tick in LATE_TICKS], minor=False)
        panel.set(ylim=(-0.05, 100))
        panel.axvline(COST_LIMIT, color="0.8", zorder=0)
        panel.axhline(LATE_LIMIT * 100, color="0.8", zorder=0)
    for panel in panels[len(traces) :]:
        panel.set_axis_off()
    figure.legend(
        handles=[*_policies(looks), *_tunings()],
        loc="outside lower center",
        ncols=2 * columns,
        fontsize="small",
        frameon=False,
    )
    save(figure, path)


def ratios(traces: Sequence[NamedRows], *, path: Path) -> None:
    """Draw the cost of each policy relative to the clairvoyant on each trace, side by side; a cross marks late ones.

    Only warm starts are shown, with tuned settings where available.
    """
    figure = Figure(figsize=(1.3 * len(traces) + 4, 4.6), layout="constrained")
    panel = figure.subplots()
    looks = _looks(traces)
    for place, (_, rows) in enumerate(traces):
        for row in judged(_plotted(rows)):
            look = looks[row.policy]
            at = (place + SPREAD * (look.place - 0.5), _ratio(row))
            _mark(panel, row, at=at, look=look)
            if row.late.mean > LATE_LIMIT:
                panel.plot(*at, **LATE)
    panel.set_xticks(range(len(traces)), [name for name, _ in traces], rotation=30, ha="right")
    panel.set(ylabel="cost, x clairvoyant", xlim=(-0.5, len(traces) - 0.5))
    for between in range(1, len(traces)):
        panel.axvline(between - 0.5, color="0.93", zorder=0)
    panel.axhline(1.0, color="0.6", zorder=0)
    panel.axhline(COST_LIMIT, color="0.8", zorder=0)
    late = Line2D([], [], **LATE, label=f"more than {LATE_LIMIT:.1%} late")
    handles = [*_policies(looks), *_tunings(), late]
    figure.legend(handles=handles, loc="outside right upper", fontsize="small", frameon=False)
    save(figure, path)


LATE: dict[str, Any] = {"marker": "x", "color": "#d62728", "markersize": 9, "linestyle": "none", "zorder": 4}


def _mark(panel: Axes, row: Row, *, at: tuple[float, float], look: Look) -> None:
    # A bound has no settings to tune.
    is_filled = row.tuning == TUNED or row.kind is Kind.BOUND
    panel.plot(*at, **_style(look, is_filled=is_filled), zorder=3 if row.kind is Kind.OURS else 2)


def _style(look: Look, *, is_filled: bool) -> dict[str, Any]:
    return {
        "marker": look.marker,
        "color": look.colour,
        "markerfacecolor": look.colour if is_filled else "none",
        "markersize": 11 if look.marker == OURS_MARKER else 7,
        "linestyle": "none",
    }


def _policies(looks: Mapping[str, Look]) -> list[Line2D]:
    return [Line2D([], [], **_style(look, is_filled=True), label=policy) for policy, look in sorted(looks.items())]


def _tunings() -> list[Line2D]:
    """Return the two legend entries that say what a filled and a hollow mark mean."""
    look = Look("o", "0.2", 0.0)
    return [
        Line2D([], [], **_style(look, is_filled=is_filled), label=label)
        for is_filled, label in ((True, "filled: tuned settings, or none to tune"), (False, "hollow: default settings"))
    ]


def _plotted(rows: Sequence[Row]) -> list[Row]:
    kinds = (Kind.OURS, Kind.BASELINE, Kind.BOUND)
    return [row for row in rows if row.start == WARM and row.kind in kinds and row.ratio is not None]


def _ratio(row: Row) -> float:
    """Return the ratio of a row that is plotted and thus has one."""
    return row.ratio.mean if row.ratio else 0.0


def _looks(traces: Sequence[NamedRows]) -> dict[str, Look]:
    """Return one marker and colour for each policy of the plot, no two alike."""
    kinds = {row.policy: row.kind for _, rows in traces for row in _plotted(rows)}
    ordered = sorted(kinds, key=lambda policy: (kinds[policy] is Kind.BOUND, kinds[policy] is Kind.OURS, policy))
    places = {policy: place / max(1, len(ordered) - 1) for place, policy in enumerate(ordered)}
    baselines = [policy for policy in ordered if kinds[policy] is Kind.BASELINE]
    bounds = [policy for policy in ordered if kinds[policy] is Kind.BOUND]
    palette = colormaps["tab20"]
    return {
        **{policy: Look(OURS_MARKER, OURS_COLOUR, places[policy]) for policy in ordered},
        **{
            policy: Look(BOUND_MARKERS[index], BOUND_COLOURS[index], places[policy])
            for index, policy in enumerate(bounds)
        },
        **{
            policy: Look(
                marker=BASELINE_MARKERS[index], colour=to_hex(palette(2 * index % COLOURS)), place=places[policy]
            )
            for index, policy in enumerate(baselines)
        },
    }
