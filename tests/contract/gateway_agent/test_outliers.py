"""An engine that fails at once is always the least busy one: the agent keeps it from failing everything."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial

import aiohttp

from testbed.waiting import eventually_true
from tests.contract.gateway_agent.pod import Pod
from tests.contract.gateway_config.engines import Behaviour, Engine, open_engine, running

URL = "/v1/embeddings"
TEXT = {"input": "one text"}


async def answers(pod: Pod, count: int) -> Counter[int]:
    """Return how often each status came for this many requests, one after the other."""
    async with aiohttp.ClientSession() as session:
        statuses: Counter[int] = Counter()
        for _ in range(count):
            async with session.post(pod.url + URL, json=TEXT) as answer:
                statuses[answer.status] += 1
    return statuses


async def outliers(pod: Pod) -> int:
    """Return the metric that the agent exposes."""
    async with aiohttp.ClientSession() as session, session.get(f"{pod.agent_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    (line,) = [line for line in lines if line.startswith("embedding_gateway_outliers ")]
    return int(float(line.split()[1]))


async def test_an_engine_that_fails_at_once_loses_its_requests(pod: Pod) -> None:
    sick, healthy = Engine(Behaviour.FAIL), open_engine()
    async with running(sick, healthy):
        await pod.list_engine("sick", sick.port)
        await pod.list_engine("healthy", healthy.port)
        await pod.start()
        await eventually_true("both get requests", partial(pod.has, "healthy", "sick"))
        asking = asyncio.create_task(_ask_until_out(pod))
        await eventually_true("the sick engine gets none", partial(pod.has, "healthy"))
        await asking
        assert await outliers(pod) == 1
        before = len(sick.seen)
        assert await answers(pod, 20) == {200: 20}
        assert len(sick.seen) == before


async def _ask_until_out(pod: Pod) -> None:
    while await pod.has("healthy", "sick"):
        await answers(pod, 10)
