"""Chooses the setting of a policy among those that were tried on the train week."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.simulation.grids import Parameters

LATE_LIMIT = 0.005
"""The share of requests that may wait for more than a second."""

TRAIN_LIMIT = LATE_LIMIT / 2
"""The share that a setting may reach on the train week: another week may be twice as bad."""

AS_CHEAP = 1.01
"""Settings that cost up to 1 % more than the cheapest may be cheaper than it in another week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One setting on the train week: mean cost and mean share of requests later than 1 s, over its seeds."""

    parameters: Parameters
    cost: float
    late_share: float


def best(tries: Sequence[Try]) -> Try:
    """Return the least late of the settings that are about as cheap as the cheapest one within the train week's limit.

    If none is within it, the limit of the test applies; if none is within that either, the least late is best. Among
    equals, the first is chosen.
    """
    for limit in (TRAIN_LIMIT, LATE_LIMIT):
        punctual = [candidate for candidate in tries if candidate.late_share <= limit]
        if punctual:
            most = AS_CHEAP * min(candidate.cost for candidate in punctual)
            return _least_late([candidate for candidate in punctual if candidate.cost <= most])
    return _least_late(tries)


def _least_late(tries: Sequence[Try]) -> Try:
    return min(tries, key=lambda candidate: (candidate.late_share, candidate.cost))
