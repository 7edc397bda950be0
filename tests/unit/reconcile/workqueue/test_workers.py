"""How errors of a reconcile are handled."""

import asyncio
from itertools import pairwise

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.kube.backoff import Backoff
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.workqueue.queue import KeyedQueue
from embedding_operator.reconcile.workqueue.workers import work

from tests.world.timeline import ManualTimeline

KEY = ObjectKey("EmbeddingService", "search", "demo")


async def run_once(error: Exception | None, *, first: float = 60.0) -> tuple[list[str], KeyedQueue[ObjectKey]]:
    queue: KeyedQueue[ObjectKey] = KeyedQueue(
        timeline=asyncio.get_running_loop(), backoff=Backoff(jitter=lambda: 0.0, first=first)
    )
    results: list[str] = []
    finished = asyncio.Event()

    async def reconcile(_: ObjectKey) -> float | None:
        if error is not None:
            raise error
        return None

    def on_result(result: str, _: float) -> None:
        results.append(result)
        finished.set()

    queue.add(KEY)
    worker = asyncio.create_task(work(queue, reconcile, on_result=on_result))
    await asyncio.wait_for(finished.wait(), timeout=5)
    assert not worker.done()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    return results[:1], queue


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, "success"),
        (Conflict("changed"), "conflict"),
        (Gone("not there"), "gone"),
        (Unavailable("no", status=403, reason=Reason.FORBIDDEN), "unavailable"),
        (RuntimeError("a bug"), "error"),
    ],
)
async def test_no_error_ends_a_worker(error: Exception | None, result: str) -> None:
    results, _ = await run_once(error)

    assert results == [result]


async def test_a_bug_waits_before_the_next_try() -> None:
    _, queue = await run_once(RuntimeError("a bug"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), timeout=0.05)


@pytest.mark.parametrize("error", [Conflict("changed"), Gone("not there"), Unavailable("no")])
async def test_a_key_that_keeps_failing_is_tried_less_and_less_often(error: Exception) -> None:
    timeline, begun = ManualTimeline(), list[float]()
    queue: KeyedQueue[ObjectKey] = KeyedQueue(timeline=timeline, backoff=Backoff(jitter=lambda: 0.0))

    async def reconcile(_: ObjectKey) -> float | None:
        begun.append(timeline.time())
        raise error

    queue.add(KEY)
    worker = asyncio.create_task(work(queue, reconcile, on_result=lambda _, __: None))
    for _ in range(10):
        await timeline.move_to_next_timer()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    assert [after - before for before, after in pairwise(begun)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_conflict_is_looked_at_again_soon() -> None:
    _, queue = await run_once(Conflict("changed"), first=0.5)

    assert await asyncio.wait_for(queue.get(), timeout=5) == KEY
