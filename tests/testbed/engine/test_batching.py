import asyncio
from collections.abc import Sequence

import pytest

from testbed.engine.fake.batching import BatchLimits, BatchServer, QueueFullError, ServiceTime

AT_ONCE = ServiceTime(base_seconds=0, seconds_per_token=0, floor_seconds=0)


def test_a_batch_takes_its_line_but_never_less_than_the_floor() -> None:
    service_time = ServiceTime(base_seconds=0.1, seconds_per_token=0.01, floor_seconds=0.15)

    assert [service_time.of(tokens) for tokens in (1, 5, 10)] == pytest.approx([0.15, 0.15, 0.2])


async def computed(server: BatchServer, requests: Sequence[Sequence[int]]) -> list[int]:
    """Return the requests in the order in which they end."""
    ended: list[int] = []

    async def request(number: int) -> None:
        await server.compute(requests[number])
        ended.append(number)

    worker = asyncio.create_task(server.run())
    await asyncio.gather(*(request(number) for number in range(len(requests))))
    worker.cancel()
    return ended


@pytest.mark.parametrize(
    ("tokens", "texts", "batches"),
    [(100, 100, 1), (6, 100, 2), (100, 2, 3), (3, 100, 5), (1, 100, 5)],
    ids=["all fit", "three fit by tokens", "two fit by number", "one fits", "each is longer than the budget"],
)
async def test_as_many_texts_as_fit_are_computed_together(tokens: int, texts: int, batches: int) -> None:
    server = BatchServer(limits=BatchLimits(tokens=tokens, texts=texts, queued=None), service_time=AT_ONCE)

    await computed(server, [[2, 2, 2, 2, 2]])

    assert (server.totals.batches, server.totals.texts, server.totals.tokens) == (batches, 5, 10)
    assert server.is_idle


async def test_requests_are_served_in_the_order_of_arrival() -> None:
    server = BatchServer(limits=BatchLimits(tokens=4, texts=10, queued=None), service_time=AT_ONCE)

    assert await computed(server, [[4], [1, 1], [4], [1]]) == [0, 1, 2, 3]


async def test_a_request_that_does_not_fit_the_queue_leaves_nothing_in_it() -> None:
    server = BatchServer(limits=BatchLimits(tokens=10, texts=10, queued=3), service_time=AT_ONCE)

    with pytest.raises(QueueFullError):
        await server.compute([1, 1, 1, 1])

    assert server.waiting == 0


async def test_a_cancelled_request_leaves_the_queue_and_is_counted() -> None:
    server = BatchServer(limits=BatchLimits(tokens=10, texts=10, queued=None), service_time=AT_ONCE)
    request = asyncio.create_task(server.compute([3, 4]))
    await asyncio.sleep(0)
    assert (server.waiting, server.waiting_tokens) == (2, 7)

    request.cancel()
    await asyncio.wait([request])

    assert (server.waiting, server.waiting_tokens, server.totals.aborted) == (0, 0, 2)


async def test_a_blocked_server_computes_nothing_until_it_is_unblocked() -> None:
    server = BatchServer(limits=BatchLimits(tokens=10, texts=10, queued=None), service_time=AT_ONCE)
    server.block()
    worker = asyncio.create_task(server.run())
    request = asyncio.create_task(server.compute([1]))
    done, _ = await asyncio.wait([request], timeout=0.05)
    assert not done

    server.unblock()
    await request
    worker.cancel()

    assert server.totals.texts == 1
