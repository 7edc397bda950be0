"""How long to wait before retrying something that failed."""

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses after consecutive failures: doubling from `first` to `longest` seconds, randomly shortened by up to half.

    `jitter` returns a number from 0 to 1.
    """

    jitter: Callable[[], float] = random.random
    first: float = 0.5
    longest: float = 60.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after `failures` (at least 1) consecutive failures."""
        doublings = min(failures - 1, 64)
        return float(min(self.longest, self.first * 2.0**doublings) * (1.0 - 0.5 * self.jitter()))
