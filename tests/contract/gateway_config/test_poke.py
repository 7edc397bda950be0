"""When HAProxy tells the agent that requests wait, and when not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.contract.gateway_config.engines import GONE, LOOPBACK, Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway, until


@asynccontextmanager
async def agent_of(door: Gateway) -> AsyncIterator[list[float]]:
    """Run an agent that records the times of its pokes."""
    told: list[float] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(*GONE):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"POST /poke HTTP/1.1\r\n")
            told.append(time.monotonic())
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, door.config.agent_port)
    async with server:
        yield told


async def test_a_held_request_is_told(haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy) as door, agent_of(door) as told:
        asked = asyncio.create_task(door.embed())
        await until(lambda: told)
        await door.add(engine)
        assert (await asked).status == 200
        assert len(told) == 1


async def test_a_queue_is_told_once_it_passes_the_threshold(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy, poke_queue_per_engine=3) as door, agent_of(door) as told:
        await door.add(engine, maxconn=2)
        asked = [asyncio.create_task(door.embed()) for _ in range(2 + 3)]
        await until(lambda: len(engine.seen) == 2)
        await asyncio.sleep(0.3)
        assert told == []
        asked.append(asyncio.create_task(door.embed()))
        await until(lambda: told)
        engine.gate.set()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 6


async def test_it_is_told_ten_times_a_second_at_most_and_after_the_last_request(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door, agent_of(door) as told:
        await door.add(engine, maxconn=1)
        began = time.monotonic()
        asked = []
        for _ in range(100):
            last_asked = time.monotonic()
            asked.append(asyncio.create_task(door.embed()))
            await asyncio.sleep(0.01)
        await until(lambda: told and told[-1] >= last_asked)
        # The distance between two of them depends on this machine; the total number depends on the gateway.
        assert 2 <= len(told) <= (told[-1] - began) / 0.1 + 1
        engine.gate.set()
        assert {answer.status for answer in await asyncio.gather(*asked)} == {200}


async def test_at_rest_and_under_a_load_that_fits_nothing_is_told(haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy) as door, agent_of(door) as told:
        await door.add(engine)
        for _ in range(30):
            assert (await door.embed()).status == 200
        await asyncio.sleep(0.3)
        assert told == []


async def test_an_agent_that_is_away_or_silent_delays_no_request(haproxy: str) -> None:
    over = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    engine = open_engine()
    async with running(engine), gateway(haproxy) as door:
        asked = asyncio.create_task(door.embed())
        await asyncio.sleep(0.2)
        silent = await asyncio.start_server(say_nothing, LOOPBACK, door.config.agent_port)
        more = [asyncio.create_task(door.embed()) for _ in range(20)]
        await asyncio.sleep(0.2)
        await door.add(engine)
        answers = await asyncio.gather(asked, *more)
        over.set()
        assert [answer.status for answer in answers] == [200] * 21
        silent.close()
        assert "[ALERT]" not in (door.folder / "log").read_text(encoding="utf-8")
