"""The polls that pokes cause."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from embedding_operator.kube.backoff import Backoff
from embedding_operator.kube.store import ObjectKey
from embedding_operator.poke.pollers import SPACING_SECONDS, PokePoller
from embedding_operator.reconcile.workqueue.queue import KeyedQueue

QWEN = ObjectKey("EmbeddingService", "search", "qwen")
BGE = ObjectKey("EmbeddingService", "search", "bge")


class Watcher:
    """Records what it polled and when."""

    def __init__(self) -> None:
        self.looked: list[tuple[str, float]] = []
        self.busy = self.busiest = 0
        self.seconds = 0.0
        self.error: Exception | None = None

    async def look(self, key: ObjectKey) -> None:
        self.looked.append((key.name, asyncio.get_running_loop().time()))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await asyncio.sleep(self.seconds)
        self.busy -= 1
        if self.error is not None:
            raise self.error


@asynccontextmanager
async def looking(watcher: Watcher) -> AsyncIterator[PokePoller]:
    loop = asyncio.get_running_loop()
    queue: KeyedQueue[ObjectKey] = KeyedQueue(timeline=loop, backoff=Backoff(jitter=lambda: 0.0))
    poke_poller = PokePoller(watcher.look, queue=queue, monotonic=loop.time)
    task = asyncio.create_task(poke_poller.run())
    yield poke_poller
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_first_poke_counts_at_once_and_many_count_a_few_times() -> None:
    watcher = Watcher()
    async with looking(watcher) as poke_poller:
        poke_poller.poke(QWEN)
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert [name for name, _ in watcher.looked] == ["qwen"]
        for _ in range(50):
            poke_poller.poke(QWEN)
            await asyncio.sleep(0.01)
        last_notice = asyncio.get_running_loop().time()
        await asyncio.sleep(2 * SPACING_SECONDS)
    times = [time for _, time in watcher.looked]
    assert 3 <= len(times) <= 5
    assert all(later - earlier >= SPACING_SECONDS - 0.01 for earlier, later in itertools.pairwise(times))
    assert times[-1] >= last_notice - 0.02


async def test_a_poke_during_a_poll_leads_to_another_one_and_never_to_two_at_a_time() -> None:
    watcher = Watcher()
    watcher.seconds = 2 * SPACING_SECONDS
    async with looking(watcher) as poke_poller:
        poke_poller.poke(QWEN)
        await asyncio.sleep(SPACING_SECONDS)
        poke_poller.poke(QWEN)
        await asyncio.sleep(4 * SPACING_SECONDS)
    assert len(watcher.looked) == 2
    assert watcher.busiest == 1


async def test_one_service_does_not_wait_for_another() -> None:
    watcher = Watcher()
    watcher.seconds = 5.0
    async with looking(watcher) as poke_poller:
        poke_poller.poke(QWEN)
        poke_poller.poke(BGE)
        await asyncio.sleep(0.1)
        assert sorted(name for name, _ in watcher.looked) == ["bge", "qwen"]


async def test_an_error_ends_nothing() -> None:
    watcher = Watcher()
    watcher.error = RuntimeError("a bug")
    async with looking(watcher) as poke_poller:
        for _ in range(2):
            poke_poller.poke(QWEN)
            await asyncio.sleep(1.5 * SPACING_SECONDS)
    assert len(watcher.looked) == 2
