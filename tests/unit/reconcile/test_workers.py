"""What becomes of the errors of one reconcile."""

import asyncio

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.queue import Backoff, KeyedQueue
from embedding_operator.reconcile.workers import work

KEY = ObjectKey("EmbeddingService", "search", "demo")


async def run_once(error: Exception | None) -> tuple[list[str], KeyedQueue[ObjectKey]]:
    queue: KeyedQueue[ObjectKey] = KeyedQueue(
        timeline=asyncio.get_running_loop(), backoff=Backoff(jitter=lambda: 0.0, first=60.0)
    )
    results: list[str] = []
    finished = asyncio.Event()

    async def reconcile(_: ObjectKey) -> float | None:
        if error is not None:
            raise error
        return None

    def observed(result: str, _: float) -> None:
        results.append(result)
        finished.set()

    queue.add(KEY)
    worker = asyncio.create_task(work(queue, reconcile, observed=observed))
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


async def test_a_failure_waits_before_the_next_try() -> None:
    _, queue = await run_once(RuntimeError("a bug"))

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), timeout=0.05)


async def test_a_conflict_is_looked_at_again_soon() -> None:
    _, queue = await run_once(Conflict("changed"))

    assert await asyncio.wait_for(queue.get(), timeout=5) == KEY
