from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.policy import View


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedPlan:
    """A clairvoyant's plan as a policy, to measure its lateness in the same simulation that it is the bound of.

    `replicas` (`slots x pools`) serve from `begin` on; each is ordered `startup_seconds` early. After the last slot its
    replicas stay. The plan already respects the bounds of the pools.
    """

    name: str
    pools: Sequence[str]
    replicas: NDArray[np.int64]
    begin: float
    slot_seconds: float
    startup_seconds: float

    @property
    def period(self) -> float:
        """Return the length of a slot."""
        return self.slot_seconds

    def look(self, view: View) -> Mapping[str, int]:
        """Return the most replicas that serve between now and the moment at which one ordered now would serve."""
        first = self._slot(view.now)
        last = self._slot(view.now + self.startup_seconds)
        ordered = self.replicas[first : last + 1].max(axis=0)
        return {pool: int(replicas) for pool, replicas in zip(self.pools, ordered, strict=True)}

    def _slot(self, at: float) -> int:
        return min(max(int((at - self.begin) // self.slot_seconds), 0), len(self.replicas) - 1)
