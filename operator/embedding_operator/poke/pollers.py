"""The response to a poke: a poll at once, then at most a few a second; the last poke is never lost."""

import asyncio
from collections.abc import Awaitable, Callable

from embedding_operator.guard import Guard
from embedding_operator.kube.store import ObjectKey
from embedding_operator.poke.rate_limit import RateLimit
from embedding_operator.reconcile.workqueue.queue import KeyedQueue, Succeeded
from embedding_operator.timeline import Timeline

SPACING_SECONDS = 0.2
OVERALL_SPACING_SECONDS = 0.02
WORKERS = 16

Poll = Callable[[ObjectKey], Awaitable[None]]


class PokePoller:
    """Polls services that were poked: each at most five times a second, all of them together fifty times."""

    def __init__(self, poll: Poll, *, queue: KeyedQueue[ObjectKey], timeline: Timeline, guard: Guard) -> None:
        self._poll = poll
        self._queue = queue
        self._timeline = timeline
        self._guard = guard
        self._rate_limit: RateLimit[ObjectKey] = RateLimit(each=SPACING_SECONDS, overall=OVERALL_SPACING_SECONDS)

    def poke(self, key: ObjectKey) -> None:
        """Ask for a poll of a service that begins after this call."""
        now = self._timeline.time()
        self._queue.add(key, after=max(0.0, self._rate_limit.book(key, now=now) - now))

    async def run(self) -> None:
        """Poll until cancelled; an error in one poll does not end it."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                with self._guard.step("poke", namespace=key.namespace, name=key.name):
                    await self._poll(key)
            finally:
                self._queue.done(key, Succeeded())
