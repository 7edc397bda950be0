"""Pokes of the operator for a held request: at once, rate-limited, and with the token of the pod."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.gateway.settings import PREFIX

from testbed.engine.process import LOOPBACK, EngineProcess, free_port
from testbed.waiting import eventually_true
from tests.contract.gateway_agent.load import load
from tests.contract.gateway_agent.pod import Pod


class Operator:
    """Records pokes and their times."""

    def __init__(self) -> None:
        self.port = free_port()
        self.told: list[tuple[float, str, Any]] = []

    async def handle(self, request: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        self.told.append((now, request.headers["Authorization"], await request.json()))
        return web.Response(status=202)


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    made = Operator()
    application = web.Application()
    application.router.add_post("/poke", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, made.port).start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def heard(pod: Pod, operator: Operator) -> Pod:
    """Return a started pod without engines that knows its operator."""
    (pod.folder / "token").write_text("of-the-pod")
    pod.variables |= {
        f"{PREFIX}OPERATOR_HOST": "localhost",
        f"{PREFIX}OPERATOR_PORT": str(operator.port),
        f"{PREFIX}TOKEN_FILE": str(pod.folder / "token"),
    }
    await pod.start()
    return pod


async def test_held_requests_are_told_and_not_one_by_one(
    heard: Pod, operator: Operator, engines: Sequence[EngineProcess]
) -> None:
    async with load(heard.url, clients=20) as running:

        async def is_told() -> object:
            return operator.told

        await eventually_true("the operator is told", is_told)
        await asyncio.sleep(0.5)
        assert len(operator.told) <= 6
        assert {(*told[1:2], str(told[2])) for told in operator.told} == {
            ("Bearer of-the-pod", "{'namespace': 'search', 'name': 'qwen'}")
        }
        await heard.list_engine("a", engines[0].port)
        await running.more(20)
    assert running.failures == {}


async def test_without_requests_there_is_no_poke(heard: Pod, operator: Operator) -> None:
    await asyncio.sleep(0.5)
    assert operator.told == []


async def test_a_flood_of_pokes_becomes_ten_a_second(heard: Pod, operator: Operator) -> None:
    async with aiohttp.ClientSession() as session:
        for _ in range(100):
            async with session.post(f"{heard.agent_url}/poke") as answer:
                assert answer.status == 204
    await asyncio.sleep(0.3)
    moments = [moment for moment, _, _ in operator.told]
    assert all(later - earlier >= 0.08 for earlier, later in pairwise(moments))
    assert len(moments) >= 2


async def test_an_operator_that_is_gone_costs_no_request(pod: Pod, engines: Sequence[EngineProcess]) -> None:
    pod.variables |= {f"{PREFIX}OPERATOR_HOST": "operator.invalid", f"{PREFIX}TOKEN_FILE": str(pod.folder / "none")}
    await pod.start()
    async with load(pod.url, clients=4) as running:

        async def is_counted() -> bool:
            async with aiohttp.ClientSession() as session, session.get(f"{pod.agent_url}/metrics") as answer:
                lines = (await answer.text()).splitlines()
            (failed,) = [line for line in lines if line.startswith('embedding_gateway_pokes_total{outcome="failed"}')]
            return float(failed.rpartition(" ")[2]) > 0

        await eventually_true("the failure is counted", is_counted)
        await pod.list_engine("a", engines[0].port)
        await running.more(10)
    assert running.failures == {}
    assert await pod.is_ready()
