"""The load to generate: how requests arrive, for how long, with how much text, over which connections."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Arrivals(Enum):
    """How the requests of an open loop are spaced."""

    CONSTANT = "constant"
    """At equal intervals."""
    POISSON = "poisson"
    """At random, with the rate as the mean; the same for the same seed."""


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests at their own times, however long the responses take: `rate` per second."""

    rate: float
    arrivals: Arrivals
    seed: int

    def times(self, *, duration_seconds: float) -> Iterator[float]:
        """Yield the seconds after the start at which requests are sent."""
        return itertools.takewhile(lambda at: at < duration_seconds, self._endless())

    def _endless(self) -> Iterator[float]:
        if self.arrivals is Arrivals.CONSTANT:
            return (number / self.rate for number in itertools.count())
        generator = random.Random(self.seed)
        return itertools.accumulate(generator.expovariate(self.rate) for _ in itertools.count())


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """`concurrency` clients, each of which sends its next request once it has the response to the last."""

    concurrency: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything about a run of the client; a request that fails after `retries` retries counts as failed."""

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
    """Texts of a given length that differ from each other, so that no cache answers."""

    WORDS = ("river", "stone", "light", "house", "green", "water", "night", "music", "paper", "glass")
    MARKERS = 2
    """Tokens that a tokenizer adds to every text."""

    def __init__(self, *, tokens: int, seed: int) -> None:
        self._words = max(1, tokens - self.MARKERS)
        self._generator = random.Random(seed)

    def next(self) -> str:
        """Return one text of about the requested number of tokens."""
        return " ".join(self._generator.choices(self.WORDS, k=self._words))
