"""What load to make: how requests arrive, for how long, with how much text, over which connections."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Arrivals(Enum):
    """How requests of an open loop follow each other."""

    CONSTANT = "constant"
    """At equal distances."""
    POISSON = "poisson"
    """At random, with the rate as their mean; the same for the same seed."""


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests that come at their own times, however long the answers take: `rate` per second."""

    rate: float
    arrivals: Arrivals
    seed: int

    def times(self, *, duration_seconds: float) -> Iterator[float]:
        """Seconds after the start at which requests are sent."""
        return itertools.takewhile(lambda at: at < duration_seconds, self._endless())

    def _endless(self) -> Iterator[float]:
        if self.arrivals is Arrivals.CONSTANT:
            return (number / self.rate for number in itertools.count())
        generator = random.Random(self.seed)
        return itertools.accumulate(generator.expovariate(self.rate) for _ in itertools.count())


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """`concurrency` clients, each of which sends its next request when it has the answer to the last."""

    concurrency: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a run of the client; `retries` is how often it repeats a request before that one failed."""

    url: str
    loop: OpenLoop | ClosedLoop
    duration_seconds: float
    tokens: int
    texts_per_request: int
    model: str
    timeout_seconds: float
    retries: int
    is_keeping_connections: bool
    api_key: str | None


class Texts:
    """Texts of a wished length that differ from each other, so that no cache answers."""

    WORDS = ("river", "stone", "light", "house", "green", "water", "night", "music", "paper", "glass")
    MARKERS = 2
    """Tokens a tokenizer adds to every text."""

    def __init__(self, *, tokens: int, seed: int) -> None:
        self._words = max(1, tokens - self.MARKERS)
        self._generator = random.Random(seed)

    def next(self) -> str:
        """One text of about the wished number of tokens."""
        return " ".join(self._generator.choices(self.WORDS, k=self._words))
