"""The outcome of the requests: counts, failures with the time of each, latencies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

PERCENTILES = (50, 90, 95, 99, 100)
MOST_FAILURES_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no embeddings: when it was sent (seconds since the epoch), why, after how many seconds."""

    sent_at: float
    cause: str
    seconds: float


@dataclass(slots=True)
class Tally:
    """Counts of requests since the start of a run or of a second."""

    sent: int = 0
    latencies: list[float] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    retries: Counter[str] = field(default_factory=Counter)
    """Retries by cause."""

    @property
    def answered(self) -> int:
        """Requests that got embeddings."""
        return len(self.latencies)

    def document(self) -> dict[str, object]:
        """Return the counts and latencies as JSON."""
        return {
            "sent": self.sent,
            "ok": self.answered,
            "failed": len(self.failures),
            "retries_by_cause": dict(self.retries),
            "failures_by_cause": dict(Counter(failure.cause for failure in self.failures)),
            "latency_seconds": percentiles(self.latencies),
        }


def summary(tally: Tally, *, started_at: float, seconds: float) -> dict[str, object]:
    """Return the report of a run: its counts, its rate and the first failures."""
    return {
        **tally.document(),
        "started_at": started_at,
        "seconds": seconds,
        "ok_per_second": tally.answered / seconds if seconds > 0 else 0.0,
        "failures": [
            {"sent_at": failure.sent_at, "cause": failure.cause, "seconds": failure.seconds}
            for failure in tally.failures[:MOST_FAILURES_LISTED]
        ],
    }


def percentiles(latencies: Sequence[float]) -> dict[str, float]:
    """Return percentiles and the mean of the latencies; empty without requests."""
    if not latencies:
        return {}
    ordered = sorted(latencies)
    named = {f"p{percent}": ordered[math.ceil(len(ordered) * percent / 100) - 1] for percent in PERCENTILES}
    return {**named, "mean": math.fsum(ordered) / len(ordered)}
