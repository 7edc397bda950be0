"""The replicas of the cluster and of the simulator over the replayed hour, as an SVG file."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.simulation.drawing import save


def draw(*, cluster: Sequence[int], simulator: Sequence[Sequence[int]], path: Path) -> None:
    """Draw both; the simulator has one curve for each second at which the operator may poll."""
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    panel = figure.subplots()
    for index, curve in enumerate(simulator):
        panel.step(range(len(curve)), curve, where="post", color="tab:blue", alpha=0.4, label=_label(index))
    panel.step(range(len(cluster)), cluster, where="post", color="black", label="cluster")
    panel.set(xlabel="seconds of the replay", ylabel="replicas asked for", xlim=(0, len(cluster)))
    panel.set_ylim(bottom=0)
    panel.legend(frameon=False, fontsize="small")
    save(figure, path)


def _label(index: int) -> str:
    """Return one label for all curves of the simulator: labels that begin with "_" are not shown."""
    return "_simulator" if index else "simulator, by the second of the poll"
