"""How long to wait before something that failed is tried again."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses after failures in a row: doubling from `first` to `longest` seconds, shortened by up to a half at random.

    `jitter` gives a number from 0 to 1.
    """

    jitter: Callable[[], float] = random.random
    first: float = 0.5
    longest: float = 60.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after `failures` (at least 1) in a row."""
        doublings = min(failures - 1, 64)
        return float(min(self.longest, self.first * 2.0**doublings) * (1.0 - 0.5 * self.jitter()))
