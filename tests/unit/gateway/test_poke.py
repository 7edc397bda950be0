"""Pokes: few, but the last one is never lost; sent to every address, with a token that may change."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.gateway.poke import Coalescer, Operator

from testbed.engine.process import LOOPBACK, free_port

Acts = list[float]


@asynccontextmanager
async def coalescer(act: Callable[[], Awaitable[None]], *, spacing_seconds: float) -> AsyncIterator[Coalescer]:
    made = Coalescer(act, spacing_seconds=spacing_seconds)
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_the_first_call_acts_at_once_and_many_calls_once_more() -> None:
    acts: Acts = []
    now = asyncio.get_running_loop().time

    async def act() -> None:
        acts.append(now())

    async with coalescer(act, spacing_seconds=0.2) as made:
        for _ in range(100):
            made.call()
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.5)
    assert len(acts) == 2
    assert acts[1] - acts[0] >= 0.2


async def test_a_call_during_an_act_is_followed_by_an_act() -> None:
    began, may_end = asyncio.Event(), asyncio.Event()
    acts = 0

    async def act() -> None:
        nonlocal acts
        acts += 1
        began.set()
        await may_end.wait()

    async with coalescer(act, spacing_seconds=0.0) as made:
        made.call()
        await began.wait()
        made.call()
        may_end.set()
        await asyncio.sleep(0.05)
    assert acts == 2


async def test_without_calls_nothing_happens() -> None:
    async def act() -> None:
        pytest.fail("nothing requested it")

    async with coalescer(act, spacing_seconds=0.0):
        await asyncio.sleep(0.05)


class Taken:
    """An operator's pod that records pokes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.status = 202
        self.told: list[tuple[str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        if self.status == 0:
            await asyncio.sleep(3)
        self.told.append((request.headers["Authorization"], await request.json()))
        return web.Response(status=self.status)


@pytest.fixture
async def taken() -> AsyncIterator[Taken]:
    made = Taken()
    application = web.Application()
    application.router.add_post("/poke", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, made.port).start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


def operator(taken: Taken, tmp_path: Path, *, host: str = LOOPBACK) -> Operator:
    (tmp_path / "token").write_text("one\n")
    return Operator(host=host, port=taken.port, token_file=tmp_path / "token", namespace="search", service="qwen")


async def test_the_operator_is_told_the_service_with_the_token_of_the_moment(
    taken: Taken, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    told = operator(taken, tmp_path)
    assert await told.poke(session) == ()
    (tmp_path / "token").write_text("two")
    assert await told.poke(session) == ()
    assert taken.told == [
        ("Bearer one", {"namespace": "search", "name": "qwen"}),
        ("Bearer two", {"namespace": "search", "name": "qwen"}),
    ]


@pytest.mark.parametrize(
    ("status", "problem"), [(401, "127.0.0.1: 401"), (307, "127.0.0.1: 307"), (0, "127.0.0.1: no answer")]
)
async def test_an_answer_that_is_no_success_is_a_problem(
    taken: Taken, session: aiohttp.ClientSession, tmp_path: Path, status: int, problem: str
) -> None:
    taken.status = status
    (found,) = await operator(taken, tmp_path).poke(session)
    assert found.startswith(problem)


async def test_one_pod_that_takes_it_is_enough(taken: Taken, session: aiohttp.ClientSession, tmp_path: Path) -> None:
    told = operator(taken, tmp_path, host="localhost")
    assert await told.poke(session) == ()
    assert len(taken.told) == 1


async def test_a_name_that_does_not_resolve_and_a_missing_token_are_problems(
    taken: Taken, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    assert len(await operator(taken, tmp_path, host="operator.invalid").poke(session)) == 1
    (tmp_path / "token").unlink()
    told = Operator(host=LOOPBACK, port=taken.port, token_file=tmp_path / "token", namespace="search", service="qwen")
    (problem,) = await told.poke(session)
    assert "token" in problem
    (tmp_path / "token").write_bytes(b"\xff")
    assert len(await told.poke(session)) == 1
    assert taken.told == []
