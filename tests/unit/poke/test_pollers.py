"""The polls that pokes lead to, on a clock that only the test moves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from embedding_operator.guard import Guard
from embedding_operator.kube.backoff import Backoff
from embedding_operator.kube.store import ObjectKey
from embedding_operator.poke.pollers import SPACING_SECONDS, PokePoller
from embedding_operator.reconcile.workqueue.queue import KeyedQueue
from embedding_operator.timeline import sleep_until

from tests.world.timeline import ManualTimeline

QWEN = ObjectKey("EmbeddingService", "search", "qwen")
BGE = ObjectKey("EmbeddingService", "search", "bge")


class Collector:
    """Notes when it polled which service; each poll takes `seconds`."""

    def __init__(self) -> None:
        self.timeline = ManualTimeline()
        self.polled: list[tuple[str, float]] = []
        self.busy = self.busiest = 0
        self.seconds = 0.0
        self.error: Exception | None = None

    async def poll(self, key: ObjectKey) -> None:
        self.polled.append((key.name, self.timeline.time()))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await sleep_until(self.timeline.time() + self.seconds, timeline=self.timeline)
        self.busy -= 1
        if self.error is not None:
            raise self.error

    @property
    def times(self) -> list[float]:
        return [time for _, time in self.polled]


@asynccontextmanager
async def polling(collector: Collector) -> AsyncIterator[PokePoller]:
    queue: KeyedQueue[ObjectKey] = KeyedQueue(timeline=collector.timeline, backoff=Backoff(jitter=lambda: 0.0))
    poke_poller = PokePoller(collector.poll, queue=queue, timeline=collector.timeline, guard=Guard())
    task = asyncio.create_task(poke_poller.run())
    yield poke_poller
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_first_poke_counts_at_once_and_many_count_a_few_times() -> None:
    collector = Collector()
    async with polling(collector) as poke_poller:
        poke_poller.poke(QWEN)
        await collector.timeline.move(0.01)
        assert collector.polled == [("qwen", 0.0)]
        for _ in range(50):
            poke_poller.poke(QWEN)
            await collector.timeline.move(0.01)
        await collector.timeline.move(2 * SPACING_SECONDS)

    assert collector.times == pytest.approx([0.0, 0.2, 0.4, 0.6]), "five a second, and the last poke is followed by one"


async def test_a_poke_during_a_poll_leads_to_another_one_and_never_to_two_at_a_time() -> None:
    collector = Collector()
    collector.seconds = 2 * SPACING_SECONDS
    async with polling(collector) as poke_poller:
        poke_poller.poke(QWEN)
        await collector.timeline.move(SPACING_SECONDS)
        poke_poller.poke(QWEN)
        await collector.timeline.move(4 * SPACING_SECONDS)

    assert collector.times == pytest.approx([0.0, 2 * SPACING_SECONDS])
    assert collector.busiest == 1


async def test_one_service_does_not_wait_for_another() -> None:
    collector = Collector()
    collector.seconds = 5.0
    async with polling(collector) as poke_poller:
        poke_poller.poke(QWEN)
        poke_poller.poke(BGE)
        await collector.timeline.move(0.1)

    assert sorted(name for name, _ in collector.polled) == ["bge", "qwen"]


async def test_an_error_ends_nothing() -> None:
    collector = Collector()
    collector.error = RuntimeError("a bug")
    async with polling(collector) as poke_poller:
        for _ in range(2):
            poke_poller.poke(QWEN)
            await collector.timeline.move(1.5 * SPACING_SECONDS)

    assert len(collector.polled) == 2
