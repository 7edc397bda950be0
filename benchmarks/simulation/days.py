"""Plots of the replicas and the queue over one day."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.simulation.drawing import save
from benchmarks.simulation.results import Curve

BIN_SECONDS = 600.0
HOUR_SECONDS = 3600.0


def draw(curves: Sequence[Curve], *, path: Path) -> None:
    """Draw replicas and waiting requests, in one column for each curve; write nothing without curves."""
    if not curves:
        return
    figure = Figure(figsize=(4.6 * len(curves), 5.2), layout="constrained")
    panels = figure.subplots(2, len(curves), squeeze=False, sharex=True, sharey="row")
    for column, curve in enumerate(curves):
        _replicas(panels[0][column], curve)
        _waiting(panels[1][column], curve)
    panels[0][0].set_ylabel("replicas")
    panels[1][0].set_ylabel("waiting requests")
    save(figure, path)


def _replicas(panel: Axes, curve: Curve) -> None:
    hours = _hours(curve)
    below = [0.0] * len(hours)
    for pool, ready in curve.ready.items():
        means = _binned(ready, step=curve.step, summary=statistics.fmean)
        top = [low + mean for low, mean in zip(below, means, strict=True)]
        panel.fill_between(hours, below, top, step="post", alpha=0.5, label=f"{pool} ready", linewidth=0)
        below = top
    together = [sum(pools) for pools in zip(*curve.replicas.values(), strict=True)]
    asked = _binned(together, step=curve.step)
    panel.step(hours, asked, where="post", color="black", linewidth=0.8, label="desired")
    panel.set_title(f"{curve.key.policy}, {curve.key.scenario}, {curve.key.tuning}", fontsize="medium")
    panel.legend(fontsize="x-small", frameon=False)


def _waiting(panel: Axes, curve: Curve) -> None:
    panel.step(_hours(curve), _binned(curve.waiting, step=curve.step), where="post", color="tab:red", linewidth=0.8)
    panel.set(xlabel="hour", yscale="symlog", ylim=(0, None))


def _hours(curve: Curve) -> list[float]:
    count = len(_binned(curve.waiting, step=curve.step))
    width = _per_bin(curve.step) * curve.step
    return [place * width / HOUR_SECONDS for place in range(count)]


def _binned(figures: Sequence[float], *, step: float, summary: Callable[[Sequence[float]], float] = max) -> list[float]:
    """Return a summary of each ten minutes: by default the maximum, so that no peak is lost."""
    size = _per_bin(step)
    return [float(summary(figures[first : first + size])) for first in range(0, len(figures), size)]


def _per_bin(step: float) -> int:
    return max(1, round(BIN_SECONDS / step))
