"""Polling many pods at once, so that pods that do not answer delay those that do as little as possible."""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from embedding_operator.guard import UNCOUNTED, Guard

Sample = TypeVar("Sample")

CONCURRENCY = 128
"""Pods that are polled at a time: each costs a connection and up to two answers in memory."""

START_SECONDS = 2.5
"""How long polls of a round begin: with the time limit of a poll, a round ends before the next tick."""

MOST_SILENT = 10_000


class Poller(Generic[Sample]):
    """Polls pods, at most `concurrency` at a time: `sample` takes a pod's UID and its base URL.

    Pods that gave no sample the last time come last, the one tried longest ago first. A round begins no poll after
    `start_seconds`: many silent pods take turns, and the others are polled in every round.
    """

    def __init__(
        self,
        sample: Callable[[str, str], Awaitable[Sample | None]],
        *,
        concurrency: int = CONCURRENCY,
        start_seconds: float = START_SECONDS,
        guard: Guard = UNCOUNTED,
    ) -> None:
        self._sample = sample
        self._start_seconds = start_seconds
        self._guard = guard
        self._slots = asyncio.Semaphore(concurrency)
        self._attempts = itertools.count(1)
        self._silent: OrderedDict[str, int] = OrderedDict()

    async def poll(self, endpoints: Mapping[str, str]) -> tuple[Sample, ...]:
        """Return a sample of every pod that gave one; `endpoints` maps pod UIDs to base URLs, the first come first."""
        until = asyncio.get_running_loop().time() + self._start_seconds
        order = sorted(endpoints.items(), key=lambda endpoint: self._silent.get(endpoint[0], 0))
        samples = await asyncio.gather(*(self._limited(uid, url, until=until) for uid, url in order))
        return tuple(sample for sample in samples if sample is not None)

    async def _limited(self, uid: str, url: str, *, until: float) -> Sample | None:
        async with self._slots:
            if asyncio.get_running_loop().time() > until:
                return None
            sample = None
            with self._guard.step("poll", pod_uid=uid):
                sample = await self._sample(uid, url)
            self._remember(uid, answered=sample is not None)
            return sample

    def _remember(self, uid: str, *, answered: bool) -> None:
        self._silent.pop(uid, None)
        if not answered:
            self._silent[uid] = next(self._attempts)
            if len(self._silent) > MOST_SILENT:
                self._silent.popitem(last=False)
