"""Which of the settings that were tried on the train week a policy is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.simulation.grids import Parameters

LATE_LIMIT = 0.005
"""Share of requests that may wait for more than a second."""

TRAIN_LIMIT = LATE_LIMIT / 2
"""The share that a setting may reach on the train week: the next week is another, and may be twice as bad."""

AS_CHEAP = 1.01
"""Settings that cost up to one part in a hundred more than the cheapest may be the cheaper ones in another week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One setting on the train week: mean cost and mean share of requests later than 1 s, over its seeds."""

    parameters: Parameters
    cost: float
    late_share: float


def best(tries: Sequence[Try]) -> Try:
    """Return the least late of those that are as cheap as the cheapest which keeps to the limit of the train week.

    Where none keeps to it, the limit of the test counts; where none keeps to that either, the least late is best. Of
    equals it is the first.
    """
    for limit in (TRAIN_LIMIT, LATE_LIMIT):
        punctual = [candidate for candidate in tries if candidate.late_share <= limit]
        if punctual:
            most = AS_CHEAP * min(candidate.cost for candidate in punctual)
            return _least_late([candidate for candidate in punctual if candidate.cost <= most])
    return _least_late(tries)


def _least_late(tries: Sequence[Try]) -> Try:
    return min(tries, key=lambda candidate: (candidate.late_share, candidate.cost))
