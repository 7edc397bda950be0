"""A queue of keys: each queued once, none run twice at a time, the earliest due first.

`KeySchedule` holds the rules and takes time as an argument; `KeyedQueue` waits for what is due. A key that is added
while it is running is handed out again once afterwards, however often it was added: a run reads newer state than the
changes that requested it.
"""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from embedding_operator.kube.backoff import Backoff
from embedding_operator.timeline import Cancellable, Timeline

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The run succeeded; the key is due again in `requeue_after` seconds, if given."""

    requeue_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The run must be repeated: after a growing pause, and no earlier than after `retry_after` seconds, if given."""

    retry_after: float = 0.0


RunOutcome = Succeeded | Failed


class KeySchedule(Generic[Key]):
    """When each key is due, which keys are running, and how often each failed consecutively."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = 0
        self._running: set[Key] = set()
        self._failures: dict[Key, int] = {}

    def add(self, key: Key, *, due: float) -> None:
        """Make `key` due at `due`, unless it is already due earlier."""
        if due >= self._due.get(key, math.inf):
            return
        self._due[key] = due
        if key not in self._running:
            self._push(key, due)

    def take(self, *, now: float) -> Key | None:
        """Return a key that is due, which then counts as running, or None."""
        self._discard_outdated()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._running.add(key)
        return key

    def done(self, key: Key, outcome: RunOutcome, *, now: float) -> None:
        """End the run of `key`, and make it due again as `outcome` says, or earlier if it was added meanwhile."""
        if isinstance(outcome, Failed):
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self.add(key, due=now + max(self._backoff.pause(failures), outcome.retry_after))
        else:
            self._failures.pop(key, None)
            if outcome.requeue_after is not None:
                self.add(key, due=now + outcome.requeue_after)
        self._running.discard(key)
        if key in self._due:
            self._push(key, self._due[key])

    def forget(self, key: Key) -> None:
        """Drop `key` and its failures; a run in progress continues, and `key` can be added again."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    def next_due(self) -> float:
        """Return when the next key is due; infinity if there is none."""
        self._discard_outdated()
        return self._heap[0][0] if self._heap else math.inf

    def overdue(self, *, now: float) -> tuple[int, float]:
        """Return how many keys are due and not running, and for how many seconds the oldest has been due."""
        late = [now - due for key, due in self._due.items() if due <= now and key not in self._running]
        return len(late), max(late, default=0.0)

    def _push(self, key: Key, due: float) -> None:
        self._order += 1
        heapq.heappush(self._heap, (due, self._order, key))

    def _discard_outdated(self) -> None:
        """Drop heap entries of keys that are now due earlier, running or forgotten."""
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) == due and key not in self._running:
                return
            heapq.heappop(self._heap)


class KeyedQueue(Generic[Key]):
    """Hands out keys as they become due, to any number of workers. Only `get` waits."""

    def __init__(self, *, timeline: Timeline, backoff: Backoff) -> None:
        self._timeline = timeline
        self._schedule: KeySchedule[Key] = KeySchedule(backoff)
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: Cancellable | None = None
        self._timer_at = math.inf

    def add(self, key: Key, *, after: float = 0.0) -> None:
        """Make `key` due in `after` seconds; of several calls, the earliest time counts."""
        self._schedule.add(key, due=self._timeline.time() + after)
        self._arm()

    async def get(self) -> Key:
        """Wait for a key that is due; `done` must be called for it."""
        while True:
            key = self._schedule.take(now=self._timeline.time())
            if key is not None:
                self._arm()
                return key
            await self._woken()

    def done(self, key: Key, outcome: RunOutcome) -> None:
        """End the run of `key` that `get` began."""
        self._schedule.done(key, outcome, now=self._timeline.time())
        self._arm()

    def forget(self, key: Key) -> None:
        """Drop `key` and its failures, because its object is gone."""
        self._schedule.forget(key)

    def overdue(self) -> tuple[int, float]:
        """Return how many keys wait for a worker, and for how many seconds the oldest has waited."""
        return self._schedule.overdue(now=self._timeline.time())

    async def _woken(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            # A cancelled worker passes on a wake-up that it may just have received.
            if waiter.done() and not waiter.cancelled():
                self._arm()
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _arm(self) -> None:
        """Wake one worker if a key is due, otherwise set the timer for the next one."""
        due = self._schedule.next_due()
        if due <= self._timeline.time():
            self._wake_one()
        elif due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = due
            self._timer = self._timeline.call_at(due, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self._arm()

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
