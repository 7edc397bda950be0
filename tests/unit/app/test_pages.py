"""What the operator serves: a page for all who ask at the same time, and a liveness that a stuck loop fails."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.app.pages import STUCK_SECONDS, MetricsPage, health
from embedding_operator.listener import Listener

from testbed.engine.process import LOOPBACK, free_port
from testbed.waiting import eventually_true

pytestmark = pytest.mark.process


@asynccontextmanager
async def served(application: web.Application, path: str) -> AsyncIterator[str]:
    listener, port = Listener(application), free_port()
    await listener.start(port)
    yield f"http://{LOOPBACK}:{port}{path}"
    await listener.stop()


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_a_page_that_is_being_made_serves_all_who_ask_meanwhile() -> None:
    made, may_end, asked = 0, threading.Event(), []

    def render() -> str:
        nonlocal made
        made += 1
        may_end.wait(30)
        return f"page {made}"

    async with served(MetricsPage(render).application(), "/metrics") as url:
        asked = [asyncio.create_task(get(url)) for _ in range(8)]

        async def is_being_made() -> bool:
            return made > 0

        await eventually_true("the page is being made", is_being_made)
        asked.pop().cancel()
        may_end.set()
        assert set(await asyncio.gather(*asked)) <= {(200, "page 1"), (200, "page 2")}
        assert await get(url) == (200, f"page {made}")
        assert made <= 3


async def test_a_loop_without_a_tick_fails_the_liveness_probe() -> None:
    idle = 0.0
    async with served(health(lambda: idle), "/healthz") as url:
        assert await get(url) == (200, '{"seconds_since_tick": 0.0}')
        idle = STUCK_SECONDS + 1
        assert await get(url) == (503, '{"seconds_since_tick": 61.0}')
