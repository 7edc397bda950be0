"""Draws single requests from a trace and a seed. The same seed gives the same requests, whatever part is run."""

import math
from dataclasses import dataclass

import numpy as np

from embedding_operator.simulation.compilation import compiled
from embedding_operator.simulation.kernel import Floats, Integers
from embedding_operator.simulation.trace import Histogram, Law, Trace

GUIDE = 1024
SPREAD_SECONDS = 1.0
MOST_DRAWS = 16
"""A window has at most this many times the requests of its rate. A distribution whose mean comes from one huge gap in
millions would fill it forever."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Requests in order of arrival: seconds since the trace began, and tokens."""

    times: Floats
    tokens: Integers


def arrivals(trace: Trace, *, window: int, seed: int) -> Arrivals:
    """Return the requests of one window."""
    rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, window])))
    begin = window * trace.step
    if trace.instants is not None and trace.sizes is not None:
        return _repeated(trace, trace.instants, trace.sizes, begin=begin, rng=rng)
    times = _renewal(trace, window=window, rng=rng)
    times += begin
    return Arrivals(times, draw_lengths(trace.lengths.at(begin), count=len(times), rng=rng))


def tokens_per_slot(trace: Trace, *, seed: int, begin: float, end: float, slot: float) -> Floats:
    """Return the tokens that arrive in each `slot` seconds from `begin` on, which a clairvoyant knows."""
    slots = np.zeros(int(np.ceil((end - begin) / slot)))
    for window in trace.windows(begin=begin, end=end):
        came = arrivals(trace, window=window, seed=seed)
        inside = (came.times >= begin) & (came.times < end)
        index = ((came.times[inside] - begin) / slot).astype(np.int64)
        slots += np.bincount(index, weights=came.tokens[inside], minlength=len(slots))
    return slots


def draw_lengths(histogram: Histogram, *, count: int, rng: np.random.Generator) -> Integers:
    """Return `count` lengths in tokens."""
    guide = np.searchsorted(histogram.cumulative, np.arange(GUIDE) / GUIDE, side="right")
    return _look_up(histogram.tokens, histogram.cumulative, guide, rng.random(count))


def _renewal(trace: Trace, *, window: int, rng: np.random.Generator) -> Floats:
    """Return times within a window: sums of draws from its law, scaled to the rate of the window."""
    rate, shape = float(trace.rates[window]), float(trace.shapes[window])
    if rate <= 0.0:
        return np.zeros(0)
    count = int(rate * trace.step + 4 * (rate * trace.step) ** 0.5) + 16
    parts: list[Floats] = []
    reached = 0.0
    while reached < trace.step and len(parts) < MOST_DRAWS:
        gaps = _gaps(Law(int(trace.laws[window])), shape=shape, count=count, rng=rng)
        times = reached + np.cumsum(gaps / rate)
        parts.append(times)
        reached = float(times[-1])
    joined = np.concatenate(parts)
    return joined[: int(np.searchsorted(joined, trace.step))]


def _gaps(law: Law, *, shape: float, count: int, rng: np.random.Generator) -> Floats:
    """Return draws from a law with mean 1."""
    if law is Law.WEIBULL:
        draws = rng.weibull(shape, count)
        return draws / math.gamma(1.0 + 1.0 / shape)
    if shape == 1.0:
        return rng.standard_exponential(count)
    return rng.standard_gamma(shape, count) / shape


def _repeated(trace: Trace, instants: Floats, sizes: Integers, *, begin: float, rng: np.random.Generator) -> Arrivals:
    first, last = np.searchsorted(instants, [begin, begin + trace.step])
    copies = np.full(last - first, int(trace.scale)) + (rng.random(last - first) < trace.scale % 1.0)
    times = np.repeat(instants[first:last], copies)
    repetition = np.concatenate([[False], times[1:] == times[:-1]]) if len(times) else np.zeros(0, dtype=np.bool_)
    times = times + repetition * rng.random(len(times)) * SPREAD_SECONDS
    times = np.minimum(times, np.nextafter(begin + trace.step, begin))
    order = np.argsort(times, kind="stable")
    return Arrivals(times[order], np.repeat(sizes[first:last], copies)[order])


@compiled
def _look_up(tokens: Integers, cumulative: Floats, guide: Integers, draws: Floats) -> Integers:
    """Return the quantiles at `draws`; `guide` says where to start the search."""
    found = np.empty(len(draws), dtype=np.int64)
    last = len(tokens) - 1
    for index in range(len(draws)):
        place = guide[int(draws[index] * len(guide))]
        while place < last and cumulative[place] <= draws[index]:
            place += 1
        found[index] = tokens[min(place, last)]
    return found
