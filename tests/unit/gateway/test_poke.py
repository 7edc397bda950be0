"""Pokes: few, and the last is never lost; sent to every address, with a token that may change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.gateway.poke import Coalescer, Operator
from embedding_operator.timeline import sleep_until

from testbed.engine.process import LOOPBACK, free_port
from tests.world.timeline import ManualTimeline


@dataclass
class Acts:
    """A coalescer on a timeline, and the times of its acts, each of which takes `seconds`."""

    timeline: ManualTimeline
    seconds: float = 0.0
    began: list[float] = field(default_factory=list)

    async def act(self) -> None:
        self.began.append(self.timeline.time())
        await sleep_until(self.timeline.time() + self.seconds, timeline=self.timeline)


@pytest.fixture
def acts() -> Acts:
    return Acts(ManualTimeline())


@pytest.fixture
async def coalescer(acts: Acts) -> AsyncIterator[Coalescer]:
    made = Coalescer(acts.act, timeline=acts.timeline, spacing_seconds=0.2)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_the_first_call_acts_at_once_and_many_calls_once_more(coalescer: Coalescer, acts: Acts) -> None:
    for _ in range(100):
        coalescer.call()
        await acts.timeline.move(0.001)
    await acts.timeline.move(0.5)

    assert acts.began == pytest.approx([0.0, 0.2])


async def test_a_call_during_an_act_is_followed_by_an_act(coalescer: Coalescer, acts: Acts) -> None:
    acts.seconds = 3.0
    coalescer.call()
    await acts.timeline.move(1.0)
    coalescer.call()
    await acts.timeline.move(10.0)

    assert acts.began == [0.0, 3.0]


async def test_without_calls_nothing_happens(coalescer: Coalescer, acts: Acts) -> None:
    assert coalescer is not None
    await acts.timeline.move(3600.0)

    assert acts.began == []


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
