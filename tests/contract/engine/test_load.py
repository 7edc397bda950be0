"""The scaling signals during load and afterwards."""

import asyncio

import pytest

from testbed.waiting import eventually_true
from tests.contract.engine.client import EMBEDDINGS, EngineClient

pytestmark = pytest.mark.engine

REQUESTS = 6
TEXTS = 12
TOKENS_PER_TEXT = 102
TEXT = " ".join(["word"] * 100)


async def test_requests_in_flight_are_seen_at_once_and_leave_no_trace(client: EngineClient) -> None:
    calls = [asyncio.create_task(client.embed([TEXT] * TEXTS)) for _ in range(REQUESTS)]

    async def all_in_flight() -> bool:
        return await client.in_flight() == REQUESTS

    await eventually_true("all in flight", all_in_flight)
    answers = await asyncio.gather(*calls)

    assert [answer.status for answer in answers] == [200] * REQUESTS
    assert await client.in_flight() == 0


async def test_waiting_texts_and_tokens_are_told_and_computed_tokens_counted(client: EngineClient) -> None:
    before = (await client.load())["total_prefill_uncached_tokens"]
    calls = [asyncio.create_task(client.embed([TEXT] * TEXTS)) for _ in range(REQUESTS)]

    async def some_wait() -> bool:
        load = await client.load()
        waiting = load["num_waiting_reqs"]
        assert load["num_waiting_uncached_tokens"] == waiting * TOKENS_PER_TEXT
        assert load["queues"]["waiting"] == waiting
        return bool(waiting and load["num_running_reqs"])

    async def all_computed() -> bool:
        load = await client.load()
        idle = load["num_waiting_reqs"] == load["num_running_reqs"] == 0
        computed = load["total_prefill_uncached_tokens"] - before
        return bool(idle and computed == REQUESTS * TEXTS * TOKENS_PER_TEXT)

    await eventually_true("some wait", some_wait)
    await asyncio.gather(*calls)
    await eventually_true("all computed", all_computed)


async def test_the_busy_time_grows_with_work_only(client: EngineClient) -> None:
    before = (await client.load())["total_prefill_busy_us"]
    at_rest = (await client.load())["total_prefill_busy_us"]
    await client.embed([TEXT] * TEXTS)

    async def has_grown() -> bool:
        return bool((await client.load())["total_prefill_busy_us"] > before)

    assert at_rest == before
    await eventually_true("has grown", has_grown)


async def test_the_queue_gauge_shows_a_queue_and_falls_back_to_zero(client: EngineClient) -> None:
    calls = [asyncio.create_task(client.embed([TEXT] * TEXTS)) for _ in range(REQUESTS)]

    async def shows_a_queue() -> bool:
        return await client.value("sglang:num_queue_reqs") > 0

    async def shows_none() -> bool:
        return await client.value("sglang:num_queue_reqs") == await client.value("sglang:num_running_reqs") == 0

    await eventually_true("shows a queue", shows_a_queue)
    await asyncio.gather(*calls)
    await eventually_true("shows none", shows_none)


async def test_a_full_queue_is_counted_as_refused(client: EngineClient) -> None:
    before = await client.value("sglang:http_responses_total", **EMBEDDINGS, status_code="503")

    await client.embed(["a"] * 300)

    assert await client.value("sglang:http_responses_total", **EMBEDDINGS, status_code="503") == before + 1


async def test_a_client_that_leaves_takes_its_texts_out_of_the_queue(client: EngineClient) -> None:
    call = asyncio.create_task(client.embed([TEXT] * 90))

    async def is_queued() -> bool:
        return bool((await client.load())["num_waiting_reqs"] > 0)

    async def is_empty() -> bool:
        return bool((await client.load())["num_waiting_reqs"] == 0 and await client.in_flight() == 0)

    await eventually_true("is queued", is_queued)
    before = await client.value("sglang:num_aborted_requests_total")
    call.cancel()
    await asyncio.wait([call])
    await eventually_true("is empty", is_empty)

    assert await client.value("sglang:num_aborted_requests_total") > before
