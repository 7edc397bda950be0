"""Polling many pods at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from embedding_operator.guard import Guard

Sample = TypeVar("Sample")

CONCURRENCY = 128
"""Pods that are polled at a time: each costs a connection and up to two answers in memory."""


class Poller(Generic[Sample]):
    """Polls pods, at most `concurrency` at a time: `sample` takes a pod's UID and its base URL."""

    def __init__(
        self,
        sample: Callable[[str, str], Awaitable[Sample | None]],
        *,
        concurrency: int = CONCURRENCY,
        guard: Guard | None = None,
    ) -> None:
        self._sample = sample
        self._guard = guard or Guard()
        self._slots = asyncio.Semaphore(concurrency)

    async def poll(self, endpoints: Mapping[str, str]) -> tuple[Sample, ...]:
        """Return a sample of every pod that gave one; `endpoints` maps pod UIDs to base URLs."""
        samples = await asyncio.gather(*(self._limited(uid, url) for uid, url in endpoints.items()))
        return tuple(sample for sample in samples if sample is not None)

    async def _limited(self, uid: str, url: str) -> Sample | None:
        async with self._slots:
            with self._guard.step("poll", pod_uid=uid):
                return await self._sample(uid, url)
            return None
