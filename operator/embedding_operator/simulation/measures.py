"""The measures of a run. Only measured windows count."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from embedding_operator.simulation import kernel
from embedding_operator.simulation.cluster import SimPool, Span
from embedding_operator.simulation.kernel import Flags, Station
from embedding_operator.simulation.trace import DAY_SECONDS

HOUR_SECONDS = 3600.0
FEWEST_IN_WINDOW = 20
"""Five minutes with fewer requests do not count: a single late request would dominate them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Counts, waits in seconds, hours by pool, and changes per day.

    `late_share` is by `kernel.LATE_SECONDS`. A request that timed out is later than all of them.
    """

    days: float
    requests: int
    tokens: int
    answered: int
    timed_out: int
    dropped: int
    late_share: tuple[float, ...]
    worst_window_share: float
    wait_p50: float
    wait_p99: float
    pod_hours: dict[str, float]
    node_hours: dict[str, float]
    idle_pod_hours: float
    events_per_day: float
    pod_starts_per_day: float


def measure(station: Station, *, pools: tuple[SimPool, ...], counted: Flags, step: float, patience: float) -> Measures:
    """Return the measures of a finished run; `counted` says for every `step` seconds whether they count."""
    clock = _Clock(counted, step=step)
    days = clock.total / DAY_SECONDS
    figures = station.measured.tolist()
    requests = figures[kernel.M_REQUESTS]
    pod_hours = {pool.spec.name: clock.hours(pool.pod_spans) for pool in pools}
    return Measures(
        days=days,
        requests=requests,
        tokens=figures[kernel.M_TOKENS],
        answered=figures[kernel.M_ANSWERED],
        timed_out=figures[kernel.M_TIMED_OUT],
        dropped=figures[kernel.M_DROPPED],
        late_share=tuple(late / max(1, requests) for late in figures[kernel.M_LATE :]),
        worst_window_share=_worst(station),
        wait_p50=wait_quantile(station.waits, 0.50, never=patience),
        wait_p99=wait_quantile(station.waits, 0.99, never=patience),
        pod_hours=pod_hours,
        node_hours={pool.spec.name: clock.hours(pool.node_spans) for pool in pools},
        idle_pod_hours=sum(pod_hours.values()) * (1.0 - _busy_share(pools)),
        events_per_day=sum(clock.counts(pool.events) for pool in pools) / max(days, 1e-9),
        pod_starts_per_day=sum(clock.counts(pool.started) for pool in pools) / max(days, 1e-9),
    )


def wait_quantile(waits: np.ndarray, share: float, *, never: float) -> float:
    """Return the wait that `share` (0 to 1) of requests do not exceed, to within a bin of 2 %; 0 without requests.

    `never` is the wait of those that were never begun.
    """
    total = int(waits.sum())
    if total == 0:
        return 0.0
    place = int(np.searchsorted(np.cumsum(waits), math.ceil(share * total)))
    if place == 0:
        return 0.0
    if place == kernel.BINS - 1:
        return never
    return kernel.SHORTEST_WAIT * math.exp((place - 0.5) / kernel.BINS_PER_E)


class _Clock:
    """A clock of measured time: it stands still in windows that are not measured."""

    def __init__(self, counted: Flags, *, step: float) -> None:
        self._edges = np.arange(len(counted) + 1) * step
        self._counted, self._step = counted, step
        self._passed = np.concatenate([np.zeros(1), np.cumsum(counted).astype(np.float64) * step])
        self.total = float(self._passed[-1])

    def hours(self, spans: Iterable[Span]) -> float:
        known = list(spans)
        ends = np.interp([span.end for span in known], self._edges, self._passed)
        begins = np.interp([span.begin for span in known], self._edges, self._passed)
        return float(np.sum(ends - begins)) / HOUR_SECONDS

    def counts(self, moments: Iterable[float]) -> int:
        places = [min(int(moment // self._step), len(self._counted) - 1) for moment in moments]
        return int(self._counted[places].sum()) if places else 0


def _busy_share(pools: tuple[SimPool, ...]) -> float:
    """Return the share of their lifetime that all pods spent computing, over the whole run."""
    life = sum(span.end - span.begin for pool in pools for span in pool.pod_spans)
    return sum(pool.busy_seconds for pool in pools) / life if life > 0.0 else 0.0


def _worst(station: Station) -> float:
    enough = station.window_requests >= FEWEST_IN_WINDOW
    if not enough.any():
        return 0.0
    return float((station.window_late[enough] / station.window_requests[enough]).max())
