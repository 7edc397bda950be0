"""How long pods take to become Ready, drawn for each start."""

import math

import numpy as np

from embedding_operator.simulation.facts import StartFact

WARM = "D1"
"""The cold start of a pod on a lingering node, in every scenario: image and weights are there."""


class Starts:
    """Draws the seconds of starts; the same seed gives the same sequence."""

    def __init__(self, *, cold: StartFact, warm: StartFact, seed: int) -> None:
        self._cold, self._warm = cold, warm
        self._rng = np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, 0xC01D])))

    def seconds(self, *, lingering: bool) -> float:
        """Return how long the next start takes; `lingering` says whether its node served until recently."""
        fact = self._warm if lingering else self._cold
        return fact.median * math.exp(fact.sigma * float(self._rng.standard_normal()))
