"""Test weeks that differ from the week to which plans were fitted: in level or phase, or another client's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from embedding_operator.simulation.trace import Lengths, Trace

from benchmarks.simulation.stage import Stage

LEVELS = (0.25, 0.5, 2.0, 4.0)
PHASES = (-3, 3)
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A change of the test week: `level` times the requests, `hours` later, or the week of the client `other`."""

    level: float = 1.0
    hours: int = 0
    other: str | None = None

    @property
    def name(self) -> str:
        """Return the name in results."""
        if self.other is not None:
            return f"week of {self.other}"
        if self.hours:
            return f"{self.hours:+d} h"
        return f"x {self.level:g}"

    def applied(self, stage: Stage, *, others: dict[str, Stage]) -> Stage:
        """Return `stage` with its trace changed; raise `ValueError` if the trace cannot be moved in time."""
        if self.other is not None:
            return others[self.other]
        trace = moved(stage.trace, hours=self.hours) if self.hours else stage.trace
        return replace(stage, trace=trace if self.level == 1.0 else trace.scaled(self.level), peak=stage.peak)


UNCHANGED = Shift()


def shifts(client: str, *, clients: Sequence[str]) -> Iterator[Shift]:
    """Yield the shifts of one client, the unchanged week first; weeks are swapped with each of the other clients."""
    yield UNCHANGED
    for level in LEVELS:
        yield Shift(level=level)
    for hours in PHASES:
        yield Shift(hours=hours)
    for other in clients:
        if other != client:
            yield Shift(other=other)


def moved(trace: Trace, *, hours: int) -> Trace:
    """Return `trace` with everything `hours` later; what leaves at one end comes back at the other."""
    windows = hours * HOUR_SECONDS / trace.step
    if trace.instants is not None or windows != round(windows):
        message = f"{trace.name}: only traces in windows that divide an hour can be moved in time"
        raise ValueError(message)
    by = round(windows)
    return replace(
        trace,
        rates=np.roll(trace.rates, by),
        laws=np.roll(trace.laws, by),
        shapes=np.roll(trace.shapes, by),
        gaps=np.roll(trace.gaps, by),
        lengths=Lengths(trace.lengths.since + hours * HOUR_SECONDS, trace.lengths.histograms),
    )
