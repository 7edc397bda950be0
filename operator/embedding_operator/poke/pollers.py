"""The looks that notices lead to: at once for the first, then a few in a second, and the last notice is never lost."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from embedding_operator.kube.store import ObjectKey
from embedding_operator.poke.rate_limit import Pace
from embedding_operator.reconcile.workqueue.queue import KeyedQueue, Succeeded

SPACING_SECONDS = 0.2
OVERALL_SPACING_SECONDS = 0.02
WORKERS = 16

Look = Callable[[ObjectKey], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Looks:
    """Looks at services that were noticed: each at most five times a second, all together fifty times."""

    def __init__(self, look: Look, *, queue: KeyedQueue[ObjectKey], monotonic: Callable[[], float]) -> None:
        self._look = look
        self._queue = queue
        self._monotonic = monotonic
        self._pace: Pace[ObjectKey] = Pace(each=SPACING_SECONDS, overall=OVERALL_SPACING_SECONDS)

    def notice(self, key: ObjectKey) -> None:
        """Ask for a look at a service that begins after this call."""
        now = self._monotonic()
        self._queue.add(key, after=max(0.0, self._pace.book(key, now=now) - now))

    async def run(self) -> None:
        """Look for ever; no error of one look ends it."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._look(key)
            except Exception:
                # The tick looks again: what one look can not do is no reason to end the others.
                _log.exception("look failed", namespace=key.namespace, name=key.name)
            finally:
                self._queue.done(key, Succeeded())
