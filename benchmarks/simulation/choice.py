from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.simulation.grids import Parameters

LATE_LIMIT = 0.005
"""Share of requests that may wait for more than a second."""

TRAIN_LIMIT = LATE_LIMIT / 2
"""The share that a setting may reach on the train week: the next week is another, and may be twice as bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One setting on the train week: mean cost and mean share of requests later than 1 s, over its seeds."""

    parameters: Parameters
    cost: float
    late_share: float


def best(tries: Sequence[Try]) -> Try:
    """Return the cheapest that keeps to the limit of the train week, else to the limit, else the least late.

    Of equals it is the first.
    """
    for limit in (TRAIN_LIMIT, LATE_LIMIT):
        punctual = [candidate for candidate in tries if candidate.late_share <= limit]
        if punctual:
            return min(punctual, key=lambda candidate: (candidate.cost, candidate.late_share))
    return min(tries, key=lambda candidate: (candidate.late_share, candidate.cost))
