"""A batch server: texts wait in order of arrival; as many as fit the limits are computed together.

A batch of n tokens takes max(floor, base + n·per token) seconds. The gauges are written when a batch ends, as in the
real engine: they describe that moment, not the present.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

MICROSECONDS = 1_000_000


class QueueFullError(Exception):
    """The texts of a request would exceed the maximum queue length."""


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long batches take."""

    base_seconds: float
    seconds_per_token: float
    floor_seconds: float

    def of(self, tokens: int) -> float:
        """Return the seconds that a batch of this many tokens takes."""
        return max(self.floor_seconds, self.base_seconds + tokens * self.seconds_per_token)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Maximum tokens and texts in one batch, maximum texts in the queue (None: no limit)."""

    tokens: int
    texts: int
    queued: int | None


@dataclass(eq=False, slots=True)
class EngineWork:
    """One text in progress: `done` is set when its batch ends."""

    tokens: int
    done: asyncio.Future[None]


@dataclass(slots=True)
class Totals:
    """Totals since the start."""

    texts: int = 0
    tokens: int = 0
    batches: int = 0
    busy_seconds: float = 0.0
    aborted: int = 0

    @property
    def busy_microseconds(self) -> int:
        """Time spent on computing batches."""
        return round(self.busy_seconds * MICROSECONDS)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Running and waiting texts as of the end of the last batch."""

    running: int = 0
    waiting: int = 0


class BatchServer:
    """Accepts texts and completes them batch by batch; `run` must be running as a task."""

    def __init__(self, *, limits: BatchLimits, service_time: ServiceTime) -> None:
        self._limits = limits
        self._service_time = service_time
        self._waiting: deque[EngineWork] = deque()
        self._running: list[EngineWork] = []
        self._arrived = asyncio.Event()
        self._unblocked = asyncio.Event()
        self._unblocked.set()
        self.totals = Totals()
        self.gauges = Gauges()

    @property
    def waiting(self) -> int:
        """Texts in the queue now."""
        return len(self._waiting)

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the texts in the queue now."""
        return sum(work.tokens for work in self._waiting)

    @property
    def running(self) -> int:
        """Texts in the batch that is being computed now."""
        return len(self._running)

    @property
    def running_tokens(self) -> int:
        """Tokens of the texts in the batch that is being computed now."""
        return sum(work.tokens for work in self._running)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits or runs."""
        return not self._waiting and not self._running

    def block(self) -> None:
        """Start no batch until `unblock`."""
        self._unblocked.clear()

    def unblock(self) -> None:
        """Go on after `block`."""
        self._unblocked.set()

    async def compute(self, tokens: Sequence[int]) -> None:
        """Queue one text per token count and return once all are computed; raise `QueueFullError` if they do not fit.

        If cancelled while waiting, it removes its texts from the queue.
        """
        if self._limits.queued is not None and len(self._waiting) + len(tokens) > self._limits.queued:
            raise QueueFullError
        loop = asyncio.get_running_loop()
        works = [EngineWork(count, loop.create_future()) for count in tokens]
        self._waiting.extend(works)
        self._arrived.set()
        try:
            await asyncio.gather(*(work.done for work in works))
        except asyncio.CancelledError:
            self._abort(works)
            raise

    async def run(self) -> None:
        """Compute batches until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            await self._unblocked.wait()
            self._running = self._take()
            if not self._running:
                self._arrived.clear()
                continue
            started = loop.time()
            await asyncio.sleep(self._service_time.of(self.running_tokens))
            self._finish(seconds=loop.time() - started)

    def _take(self) -> list[EngineWork]:
        batch: list[EngineWork] = []
        tokens = 0
        while self._waiting and len(batch) < self._limits.texts:
            # A text longer than the budget is computed alone, in several passes of one batch.
            if batch and tokens + self._waiting[0].tokens > self._limits.tokens:
                break
            work = self._waiting.popleft()
            tokens += work.tokens
            batch.append(work)
        return batch

    def _finish(self, *, seconds: float) -> None:
        finished, self._running = self._running, []
        self.totals.texts += len(finished)
        self.totals.tokens += sum(work.tokens for work in finished)
        self.totals.batches += 1
        self.totals.busy_seconds += seconds
        self.gauges = Gauges(running=len(finished) if self._waiting else 0, waiting=len(self._waiting))
        for work in finished:
            if not work.done.done():
                work.done.set_result(None)

    def _abort(self, works: Sequence[EngineWork]) -> None:
        gone = set(works)
        kept = deque(work for work in self._waiting if work not in gone)
        self.totals.aborted += len(self._waiting) - len(kept)
        self._waiting = kept
