"""Engines that fail, leave and are stopped: what is retried, what is not, and what the client receives."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import aiohttp

from tests.contract.gateway_config.engines import Behaviour, Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway, until


async def test_what_no_engine_has_seen_is_tried_on_another(haproxy: str) -> None:
    dead, alive = open_engine(), open_engine()
    async with running(dead, alive), gateway(haproxy) as door:
        await door.add(dead, name="engine-a")
        await door.add(alive, name="engine-b")
        dead.kill()
        answers = await asyncio.gather(*(door.embed() for _ in range(20)))
        assert [answer.status for answer in answers] == [200] * 20
        assert len(alive.seen) == 20
        await until(lambda: _is_down(door, "engine-a"))


async def test_what_an_engine_may_have_died_of_is_not_tried_again(haproxy: str) -> None:
    first, second = Engine(Behaviour.HANG_UP), Engine(Behaviour.HANG_UP)
    async with running(first, second), gateway(haproxy) as door:
        await door.add(first, name="engine-a")
        await door.add(second, name="engine-b")
        answer = await door.embed()
        assert answer.status == 502
        assert answer.error["code"] == "engine_failed"
        assert len(first.seen) + len(second.seen) == 1
        (line,) = await door.logged(1)
        assert (line["status"], line["retries"]) == (502, "0")


async def test_nor_is_it_in_a_later_request_of_a_connection(haproxy: str) -> None:
    """From 2.6.18, 2.8.10 and 3.0 on, HAProxy answers 502 as for the first request; older ones close the connection."""
    engine, other = open_engine(), open_engine()
    async with running(engine, other), gateway(haproxy) as door:
        await door.add(engine, name="engine-a")
        assert [(await door.embed()).status for _ in range(3)] == [200] * 3
        await door.add(other, name="engine-b")
        engine.behaviour = other.behaviour = Behaviour.HANG_UP
        with suppress(aiohttp.ServerDisconnectedError):
            assert (await door.embed()).status == 502
        assert len(engine.seen) + len(other.seen) == 4


async def test_a_killed_engine_loses_only_what_it_was_computing(haproxy: str) -> None:
    killed, other = Engine(), Engine()
    async with running(killed, other), gateway(haproxy) as door:
        await door.add(killed, name="engine-a", maxconn=3)
        await door.add(other, name="engine-b", maxconn=3)
        asked = [asyncio.create_task(door.embed()) for _ in range(20)]
        await until(lambda: len(killed.seen) == len(other.seen) == 3)
        killed.kill()
        other.gate.set()
        statuses = sorted([answer.status for answer in await asyncio.gather(*asked)])
        assert statuses == [200] * 17 + [502] * 3


async def test_a_drained_engine_finishes_and_gets_nothing_new(haproxy: str) -> None:
    leaving, other = Engine(), open_engine()
    async with running(leaving, other), gateway(haproxy) as door:
        await door.add(leaving, name="engine-a")
        asked = [asyncio.create_task(door.embed()) for _ in range(5)]
        await until(lambda: len(leaving.seen) == 5)
        await door.add(other, name="engine-b")
        await door.command("set server engines/engine-a state drain")
        assert [(await door.embed()).status for _ in range(10)] == [200] * 10
        assert (len(leaving.seen), len(other.seen)) == (5, 10)
        leaving.gate.set()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 5


async def test_a_graceful_stop_answers_what_is_in_flight_and_queued(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine, maxconn=1)
        asked = [asyncio.create_task(door.embed()) for _ in range(3)]
        await until(lambda: engine.seen)
        door.process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(0.3)
        engine.gate.set()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 3
        assert await door.process.wait() == 0


async def test_an_engine_that_does_not_answer_in_time_is_told_of(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy, response_timeout_seconds=1) as door:
        await door.add(engine)
        answer = await door.embed()
        assert answer.status == 504
        assert answer.error["code"] == "engine_timeout"
        assert len(engine.seen) == 1


async def test_a_client_that_leaves_frees_its_engine(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine)
        asked = asyncio.create_task(door.embed())
        await until(lambda: engine.seen)
        asked.cancel()
        await until(lambda: engine.open_connections == 0)


async def test_no_request_meets_a_connection_that_its_engine_closes(haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine)
        for _ in range(2):
            asked = [asyncio.create_task(door.embed()) for _ in range(8)]
            await until(lambda: engine.open_connections == 8)
            engine.gate.set()
            assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 8
            await until(lambda: engine.open_connections == 0)
            engine.gate.clear()


async def _is_down(door: Gateway, name: str) -> bool:
    rows = (await door.command("show stat")).splitlines()
    return "DOWN" in next(row for row in rows if row.startswith(f"engines,{name},"))
