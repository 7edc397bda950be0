"""Requests that wait for the first engine or for their turn. Scaling reads the queue's numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway, until


async def waiting(door: Gateway, *engines: str) -> int:
    """Return the number of requests without an engine: those of the backend minus those of its servers."""
    at_engines = [await door.figure("scur", of=name) for name in engines]
    return await door.figure("scur") - sum(at_engines)


async def test_a_held_request_is_answered_when_the_first_engine_comes(haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy) as door:
        asked = [asyncio.create_task(door.embed()) for _ in range(5)]
        await until(lambda: _is(waiting(door), 5))
        assert await door.figure("qcur") == 0
        assert engine.seen == []
        await door.add(engine)
        answers = await asyncio.gather(*asked)
        assert [answer.status for answer in answers] == [200] * 5
        assert await waiting(door, "engine-a") == 0
        assert all(int(line["held_ms"]) > 0 for line in await door.logged(5))


async def test_a_request_is_held_no_longer_than_the_limit(haproxy: str) -> None:
    async with gateway(haproxy, hold_seconds=1, client_timeout_seconds=1) as door:
        answer = await door.embed()
        assert answer.status == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.error["code"] == "overloaded"
        (line,) = await door.logged(1)
        assert 1000 <= int(line["held_ms"]) < 20_000


async def test_a_request_is_held_longer_than_a_client_may_be_silent(haproxy: str) -> None:
    engine = open_engine()
    limits: dict[str, Any] = {"client_timeout_seconds": 1, "request_timeout_seconds": 1, "response_timeout_seconds": 1}
    async with running(engine), gateway(haproxy, queue_timeout_seconds=1, **limits) as door:
        asked = asyncio.create_task(door.embed())
        await asyncio.sleep(2.5)
        await door.add(engine)
        assert (await asked).status == 200


async def test_a_client_that_leaves_is_not_held(haproxy: str) -> None:
    async with gateway(haproxy) as door:
        asked = asyncio.create_task(door.embed())
        await until(lambda: _is(waiting(door), 1))
        asked.cancel()
        await until(lambda: _is(waiting(door), 0))


async def test_nothing_is_held_where_holding_is_off(haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy, hold_seconds=0) as door:
        answers = [await door.embed(), await door.ask("GET", "/health")]
        assert [answer.status for answer in answers] == [503, 503]
        assert all(answer.headers["retry-after"] == "5" for answer in answers)
        await door.add(engine)
        assert (await door.ask("GET", "/health")).status == 200


async def test_health_is_good_while_requests_can_be_held(haproxy: str) -> None:
    async with gateway(haproxy) as door:
        assert (await door.ask("GET", "/health")).status == 200


async def test_the_queue_is_exact(haproxy: str) -> None:
    first, second = Engine(), Engine()
    async with running(first, second), gateway(haproxy) as door:
        await door.add(first, name="engine-a", maxconn=4)
        await door.add(second, name="engine-b", maxconn=4)
        asked = [asyncio.create_task(door.embed()) for _ in range(40)]
        await until(lambda: len(first.seen) + len(second.seen) == 8)
        await until(lambda: _is(door.figure("qcur"), 32))
        assert await waiting(door, "engine-a", "engine-b") == 32
        assert (len(first.seen), len(second.seen)) == (4, 4)
        first.gate.set()
        second.gate.set()
        answers = await asyncio.gather(*asked)
        assert [answer.status for answer in answers] == [200] * 40
        assert await door.figure("qcur") == 0


async def test_a_turn_that_does_not_come_in_time_is_told_to_try_again(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy, queue_timeout_seconds=1) as door:
        await door.add(engine, maxconn=1)
        served = asyncio.create_task(door.embed())
        await until(lambda: engine.seen)
        answer = await door.embed()
        assert answer.status == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.error["code"] == "overloaded"
        engine.gate.set()
        assert (await served).status == 200
        assert len(engine.seen) == 1


async def test_a_client_that_leaves_the_queue_costs_no_engine_anything(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine, maxconn=1)
        served = asyncio.create_task(door.embed())
        await until(lambda: engine.seen)
        queued = asyncio.create_task(door.embed())
        await until(lambda: _is(door.figure("qcur"), 1))
        queued.cancel()
        await until(lambda: _is(door.figure("qcur"), 0))
        engine.gate.set()
        assert (await served).status == 200
        assert len(engine.seen) == 1


@pytest.mark.parametrize("maxconn", [1, 4])
async def test_a_new_engine_takes_from_the_queue_of_keep_alive_clients(maxconn: int, haproxy: str) -> None:
    first, second = Engine(), open_engine()
    async with running(first, second), gateway(haproxy) as door:
        await door.add(first, name="engine-a", maxconn=maxconn)
        asked = [asyncio.create_task(door.embed()) for _ in range(10)]
        await until(lambda: _is(door.figure("qcur"), 10 - maxconn))
        await door.add(second, name="engine-b")
        await until(lambda: len(second.seen) == 10 - maxconn)
        first.gate.set()
        await asyncio.gather(*asked)


async def _is(figure: Awaitable[int], wanted: int) -> bool:
    return await figure == wanted
