"""The queues of a service, compiled: replicas are added, drained and removed while requests arrive."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embedding_operator.simulation import kernel
from embedding_operator.simulation.kernel import Flags, Floats, Integers, Station
from embedding_operator.simulation.servers import Server

ROWS = 1024
GATEWAY_REQUESTS = 200_000
"""The most requests that the gateway holds; HAProxy's own connection limit is of this order."""

FIVE_MINUTES = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Which arrivals are measured: a flag for every `step` seconds since the trace began."""

    flags: Flags
    step: float


class Occupancy(NamedTuple):
    """The current load of one replica: requests waiting and running, tokens waiting, and tokens done so far."""

    waiting: int
    running: int
    queue_tokens: int
    done_tokens: int

    @property
    def in_flight(self) -> int:
        """Return the number of its requests."""
        return self.waiting + self.running


class Queues:
    """The gateway's queue and the replicas behind it; each replica is identified by its row.

    At most `door` requests are at one replica, the others wait at the gateway. A request that has waited for `patience`
    seconds times out.
    """

    def __init__(self, *, counted: Counted, door: int, patience: float) -> None:
        windows = math.ceil(len(counted.flags) * counted.step / FIVE_MINUTES) + 1
        self.station = Station(
            speed=np.zeros((ROWS, 4)),
            shape=np.zeros((ROWS, 2), dtype=np.int64),
            replicas=np.zeros((ROWS, 7), dtype=np.int64),
            clocks=np.zeros((ROWS, 3)),
            replica_times=np.zeros((ROWS, door)),
            replica_tokens=np.zeros((ROWS, door), dtype=np.int64),
            active=np.zeros(ROWS, dtype=np.int64),
            cursor=np.zeros(5, dtype=np.int64),
            gateway_times=np.zeros(GATEWAY_REQUESTS),
            gateway_tokens=np.zeros(GATEWAY_REQUESTS, dtype=np.int64),
            totals=np.zeros(6, dtype=np.int64),
            measured=np.zeros(5 + len(kernel.LATE_SECONDS), dtype=np.int64),
            waits=np.zeros(kernel.BINS, dtype=np.int64),
            window_requests=np.zeros(windows, dtype=np.int64),
            window_late=np.zeros(windows, dtype=np.int64),
            counted=counted.flags,
            limits=np.array([patience, counted.step, FIVE_MINUTES]),
        )
        self._rows: list[int] = []

    def add(self, server: Server, *, now: float) -> int:
        """Let a replica serve from `now` on; return its row. Raise `IndexError` if there are too many."""
        row = next(row for row in range(ROWS + 1) if row == ROWS or self.station.replicas[row, kernel.STATE] == 0)
        if row == ROWS:
            message = f"more than {ROWS} replicas serve at once: lower maxReplicas"
            raise IndexError(message)
        self.station.speed[row] = (server.floor, server.per_batch, server.per_token, server.per_request)
        self.station.shape[row] = (server.batch_tokens, server.batch_requests)
        self.station.replicas[row] = 0
        self.station.replicas[row, kernel.STATE] = kernel.READY
        self.station.clocks[row] = (math.inf, math.inf, 0.0)
        self._rows.append(row)
        self._activate()
        kernel.fill(self.station, row, now)
        return row

    def drain(self, row: int, *, now: float) -> None:
        """Send no new requests to a replica; it is gone as soon as it has answered those it has."""
        replica = self.station.replicas[row]
        idle = replica[kernel.RUNNING] == 0 and replica[kernel.WAITING] == 0
        replica[kernel.STATE] = kernel.GONE if idle else kernel.DRAINING
        if idle:
            self.station.clocks[row, kernel.GONE_AT] = now

    def advance(self, times: Floats, tokens: Integers, *, first: int, until: float) -> int:
        """Run all events before `until`; return the index of the first arrival that is left."""
        return kernel.advance(self.station, times, tokens, first, until)

    def gone(self, row: int) -> float | None:
        """Return when a draining replica was done, and forget it; None while it is not done."""
        if self.station.replicas[row, kernel.STATE] != kernel.GONE:
            return None
        self.station.replicas[row, kernel.STATE] = kernel.FREE
        self._rows.remove(row)
        self._activate()
        return float(self.station.clocks[row, kernel.GONE_AT])

    def busy_seconds(self, row: int) -> float:
        """Return how long a replica has computed, up to the end of its current batch."""
        return float(self.station.clocks[row, kernel.BUSY_SECONDS])

    def occupancy(self) -> dict[int, Occupancy]:
        """Return the load of the replicas, draining ones included, by row."""
        top = max(self._rows, default=-1) + 1
        figures = self.station.replicas[:top].tolist()
        return {row: _occupancy(figures[row]) for row in self._rows}

    def _activate(self) -> None:
        cursor = self.station.cursor
        self.station.active[: len(self._rows)] = self._rows
        cursor[kernel.ACTIVE] = len(self._rows)
        cursor[kernel.TURN] %= max(1, len(self._rows))


def _occupancy(figures: Sequence[int]) -> Occupancy:
    return Occupancy(
        figures[kernel.WAITING],
        figures[kernel.RUNNING],
        figures[kernel.WAITING_TOKENS],
        figures[kernel.DONE_TOKENS],
    )
