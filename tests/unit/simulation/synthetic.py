"""Traces drawn from the laws that real ones follow, for tests and for a first try without data."""

import math
from collections.abc import Callable

import numpy as np
from embedding_operator.simulation.trace import DAY_SECONDS, Law, Lengths, Trace

STEP = 600.0


def steady(
    *,
    rate: float,
    days: float = 1.0,
    law: Law = Law.GAMMA,
    shape: float = 1.0,
    lengths: Lengths | None = None,
    name: str = "steady",
) -> Trace:
    """Return a trace whose rate never changes; Poisson unless `law` and `shape` say otherwise."""
    return _of(lambda _: rate, days=days, law=law, shape=shape, lengths=lengths, name=name)


def diurnal(*, rate: float, depth: float = 0.9, days: float = 14.0, law: Law = Law.GAMMA, shape: float = 0.9) -> Trace:
    """Return a trace that varies over the day by `depth` (0 to 1) around the mean `rate`, lowest at midnight."""

    def at(moment: float) -> float:
        return rate * (1.0 - depth * math.cos(2 * math.pi * moment / DAY_SECONDS))

    return _of(at, days=days, law=law, shape=shape, lengths=None, name="diurnal")


def on_off(*, rate: float, begins: float = 9.0, ends: float = 18.0, days: float = 14.0) -> Trace:
    """Return a trace of a client that works from `begins` to `ends` o'clock and is silent otherwise."""

    def at(moment: float) -> float:
        hour = moment % DAY_SECONDS / 3600.0
        return rate if begins <= hour < ends else 0.0

    return _of(at, days=days, law=Law.WEIBULL, shape=0.8, lengths=None, name="on-off")


def _of(
    rate: Callable[[float], float], *, days: float, law: Law, shape: float, lengths: Lengths | None, name: str
) -> Trace:
    count = round(days * DAY_SECONDS / STEP)
    return Trace(
        name=name,
        source="synthetic",
        step=STEP,
        rates=np.array([rate((index + 0.5) * STEP) for index in range(count)]),
        laws=np.full(count, law, dtype=np.int8),
        shapes=np.full(count, shape),
        gaps=np.zeros(count, dtype=np.bool_),
        lengths=lengths or Lengths.constant(100),
    )
