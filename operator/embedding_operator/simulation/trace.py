"""A trace: the rate, regularity and length of requests over time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.kernel import Flags, Floats, Integers

DAY_SECONDS = 86_400.0


class Law(IntEnum):
    """The distribution of the times between requests. `Gamma` with shape 1 is a Poisson process."""

    GAMMA = 0
    WEIBULL = 1


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """The lengths of requests: `tokens`, and the share of requests (0 to 1) that are at most that long."""

    tokens: Integers
    cumulative: Floats

    @classmethod
    def of(cls, tokens: Sequence[int] | Integers, shares: Sequence[float] | Floats) -> "Histogram":
        """Return the histogram of requests of `tokens`; `shares` are normalised to sum to 1."""
        cumulative = np.cumsum(np.asarray(shares, dtype=np.float64))
        return cls(np.asarray(tokens, dtype=np.int64), cumulative / cumulative[-1])

    @property
    def mean(self) -> float:
        """Return the mean tokens of a request."""
        return float(np.dot(self.tokens, np.diff(self.cumulative, prepend=0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """The histograms of a trace: `histograms[i]` applies from `since[i]` seconds to the next; the first also before."""

    since: Floats
    histograms: tuple[Histogram, ...]

    @classmethod
    def constant(cls, tokens: int) -> "Lengths":
        """Return lengths with `tokens` for every request."""
        return cls(np.zeros(1), (Histogram.of([tokens], [1.0]),))

    def at(self, moment: float) -> Histogram:
        """Return the histogram that applies `moment` seconds into the trace."""
        return self.histograms[max(0, int(np.searchsorted(self.since, moment, side="right")) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """Requests by window of `step` seconds.

    Times between the requests of a window are drawn from `laws` with `shapes` and mean `1 / rates`. A trace that was
    recorded request by request has `instants` (seconds, ascending) and `sizes` instead, which are replayed as they are.
    `gaps` are windows in which the source recorded nothing: their requests are made up and never measured.
    """

    name: str
    source: str
    step: float
    rates: Floats
    laws: NDArray[np.int8]
    shapes: Floats
    gaps: Flags
    lengths: Lengths
    scale: float = 1.0
    instants: Floats | None = None
    sizes: Integers | None = None

    @property
    def seconds(self) -> float:
        """Return the length of the trace."""
        return len(self.rates) * self.step

    def token_rates(self) -> Floats:
        """Return the mean tokens per second of each window."""
        means = [self.lengths.at(index * self.step).mean for index in range(len(self.rates))]
        rates: Floats = self.rates * np.array(means)
        return rates

    def windows(self, *, begin: float, end: float) -> range:
        """Return the indices of the windows that touch the time from `begin` to `end`."""
        return range(int(begin // self.step), min(len(self.rates), int(np.ceil(end / self.step))))

    def scaled(self, factor: float) -> "Trace":
        """Return the trace with `factor` times the requests: rates are multiplied, laws and lengths stay.

        The times between requests shrink, and their coefficient of variation stays the same. In a recorded trace, every
        request comes `factor` times on average, with repetitions within the next second.
        """
        return replace(self, rates=self.rates * factor, scale=self.scale * factor)
