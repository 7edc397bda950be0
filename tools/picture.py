"""The picture in README.md: one day of a service that moves from A10 to T4 by the clock, as the simulator plays it.

make picture    simulates docs/examples/day-night.yaml on docs/examples/requests.csv, writes docs/day-night.svg
"""

import argparse
import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from embedding_operator.cli.simulate import add_parser, simulated
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURE = DOCS / "day-night.svg"
SERVICE, TRACE = DOCS / "examples" / "day-night.yaml", DOCS / "examples" / "requests.csv"
NIGHT = ((0.0, 7.0), (19.0, 24.0))
"""The window of the service's schedule, in hours."""

COLORS = {"a10": "#0b6e4f", "t4": "#f2a541"}
LOAD, SHADE = "#4a5568", "#eef1f6"
TOO_EXACT = re.compile(r"(\d+\.\d\d)\d+")


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(drawn(trial()), encoding="utf-8")
    print(f"wrote {PICTURE.relative_to(DOCS.parent)}")  # noqa: T201 - what a command is for


def trial() -> dict[str, Any]:
    """Return what `kubectl embsvc simulate` says of the second day, in the form of its JSON."""
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers(dest="command"))
    command = ["simulate", str(SERVICE), "--trace", str(TRACE), "--days", "1-2", "--output", "json"]
    document: dict[str, Any] = json.loads(simulated(parser.parse_args(command)))
    return document


def drawn(found: dict[str, Any]) -> str:
    """Return the picture as SVG, equal for equal results."""
    curve, played = found["curve"], found["played"]
    curve = {**curve, "tokensPerSecond": _to_the_end(curve["tokensPerSecond"])}
    hours = [place * curve["step"] / 3600 for place in range(len(curve["tokensPerSecond"]))]
    with mpl.rc_context({"svg.hashsalt": "embedding-operator", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(8.4, 4.0), layout="constrained")
        load, replicas = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.2))
        _shade(load)
        _shade(replicas)
        load.fill_between(
            hours, [each / 1000 for each in curve["tokensPerSecond"]], step="post", color=LOAD, linewidth=0
        )
        load.set_ylabel("load,\n1,000 tokens/s")
        below = [0.0] * len(hours)
        for pool, color in COLORS.items():
            above = [low + ready for low, ready in zip(below, _to_the_end(curve["ready"][pool]), strict=True)]
            replicas.fill_between(hours, below, above, step="post", color=color, linewidth=0, label=pool.upper())
            below = above
        replicas.set_ylabel("Ready replicas")
        replicas.set_xlabel("hour of the day")
        replicas.set_xlim(0, 24)
        replicas.set_xticks(range(0, 25, 3))
        replicas.yaxis.get_major_locator().set_params(integer=True)
        replicas.margins(y=0.25)
        replicas.set_ylim(bottom=0)
        replicas.legend(loc="upper center", frameon=False, ncols=2)
        figure.suptitle(caption(played), fontsize=9)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return TOO_EXACT.sub(r"\1", text.getvalue())


def _to_the_end(values: list[float]) -> list[float]:
    """Return `values` with the last one drawn to the end of its step."""
    return [*values, values[-1]]


def _shade(axes: Axes) -> None:
    for begin, end in NIGHT:
        axes.axvspan(begin, end, color=SHADE, zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.text(0.2, 0.97, "window night", transform=axes.get_xaxis_transform(), va="top", color=LOAD, fontsize=8)


def caption(played: list[dict[str, Any]]) -> str:
    """Return what the day costs, beside the fixed fleet for its peak, and how many requests are late."""
    ours, static = played[0], played[1]
    late = ours["late"]["afterOneSecond"]
    return (
        f"One simulated day: {ours['cost']:.0f} USD instead of {static['cost']:.0f} USD ({static['name']}); "
        f"{late:.2%} of the requests wait for more than 1 s"
    )


if __name__ == "__main__":
    main()
