"""Servers stay reachable: however many connections are held open, few are kept and others are answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.listener import Limits, Listener

from testbed.engine.process import LOOPBACK, free_port
from testbed.waiting import eventually_true

pytestmark = pytest.mark.process

FEW = Limits(connections=20, request_seconds=60)
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "


@asynccontextmanager
async def listening(limits: Limits, *, until: asyncio.Event | None = None) -> AsyncIterator[tuple[Listener, int]]:
    """Serve `/`, which answers at once, and `/slow`, which answers once `until` is set."""

    async def at_once(_: web.Request) -> web.Response:
        return web.Response(text="here")

    async def slow(_: web.Request) -> web.Response:
        if until is not None:
            await until.wait()
        return web.Response(text="late")

    application = web.Application()
    application.router.add_get("/", at_once)
    application.router.add_get("/slow", slow)
    listener, port = Listener(application, limits=limits), free_port()
    await listener.start(port)
    yield listener, port
    await listener.stop()


async def answer(port: int, path: str = "/", host: str = LOOPBACK) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}{path}") as response:
        return await response.text()


async def is_closed(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("sent", [b"", HALF, HALF + b"x" * 4000], ids=["nothing", "half a request", "a long half"])
async def test_connections_that_ask_for_nothing_are_few_and_keep_nobody_out(sent: bytes) -> None:
    async with listening(FEW) as (listener, port), AsyncExitStack() as held:
        for _ in range(300):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            held.callback(writer.close)
            writer.write(sent)
        await eventually_true("few are kept", holds(lambda: 0 < listener.connections <= FEW.connections))
        assert await answer(port) == "here"
        assert listener.connections <= FEW.connections


async def test_a_request_that_is_being_answered_does_not_make_room() -> None:
    until = asyncio.Event()
    async with listening(FEW, until=until) as (listener, port), AsyncExitStack() as held:
        first = asyncio.create_task(answer(port, "/slow"))
        await eventually_true("it is being answered", holds(lambda: listener.connections == 1))
        for _ in range(60):
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            held.callback(writer.close)
            writer.write(HALF)
        await eventually_true("there are as many as may be", holds(lambda: listener.connections == FEW.connections))
        until.set()
        assert await first == "late"


async def test_a_request_that_never_ends_is_ended() -> None:
    async with listening(Limits(request_seconds=0.2)) as (listener, port):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.write(HALF)
        async with asyncio.timeout(30):
            assert await is_closed(reader)
        await eventually_true("it is forgotten", holds(lambda: listener.connections == 0))
        writer.close()


async def test_a_connection_that_is_used_stays_open() -> None:
    async with listening(FEW) as (listener, port), aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://{LOOPBACK}:{port}/") as response:
                assert await response.text() == "here"
        assert listener.connections == 1


async def test_both_address_families_are_served() -> None:
    async with listening(FEW) as (_, port):
        assert await answer(port) == "here"
        assert await answer(port, host="[::1]") == "here"


def holds(found: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """Return a check that can be awaited."""

    async def check() -> bool:
        return found()

    return check
