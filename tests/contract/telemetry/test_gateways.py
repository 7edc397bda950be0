"""Polling the real HAProxy with the gateway's own configuration."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
import pytest
from embedding_operator.domain.load.gateway_load import GatewaySample, listen
from embedding_operator.telemetry.fetch import FailureCause, Fetcher, PollFailure, Source
from embedding_operator.telemetry.gateways import gateway_poller

from testbed.engine.process import LOOPBACK, free_port
from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway

pytestmark = pytest.mark.haproxy


def now() -> datetime:
    return datetime.now(UTC)


async def polled(session: aiohttp.ClientSession, door: Gateway) -> GatewaySample:
    failures: list[PollFailure] = []
    poller = gateway_poller(Fetcher(session=session, now=now, failed=failures.append))
    samples = await poller.poll({"uid": f"http://{LOOPBACK}:{door.config.metrics_port}"})
    assert failures == []
    return samples[0]


async def seen(session: aiohttp.ClientSession, door: Gateway, when: Callable[[GatewaySample], bool]) -> GatewaySample:
    """Return the first sample for which `when` is true."""
    async with asyncio.timeout(20):
        while True:
            sample = await polled(session, door)
            if when(sample):
                return sample
            await asyncio.sleep(0.05)


def asking(door: Gateway, count: int) -> list[asyncio.Task[object]]:
    async def ask() -> object:
        return await door.embed()

    return [asyncio.create_task(ask()) for _ in range(count)]


async def test_a_gateway_without_engines_and_requests(session: aiohttp.ClientSession, haproxy: str) -> None:
    async with gateway(haproxy) as door:
        sample = await polled(session, door)
    assert (sample.outstanding, sample.waiting, sample.requests, sample.rejected) == (0, 0, 0, 0)
    assert sample.last_request_seconds is None
    assert sample.engines == {}


async def test_held_requests_wait_and_are_counted_when_they_come(session: aiohttp.ClientSession, haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy) as door:
        asked = asking(door, 5)
        held = await seen(session, door, lambda sample: sample.waiting == 5)
        assert (held.outstanding, held.requests, held.last_request_seconds) == (5, 5, None)
        await door.add(engine, name="qwen-a10-1")
        await asyncio.gather(*asked)
        answered = await polled(session, door)
    assert (answered.outstanding, answered.requests) == (0, 5)
    assert answered.engines == {"qwen-a10-1": 0}
    assert answered.last_request_seconds is not None
    assert answered.last_request_seconds <= 2


async def test_what_is_over_the_limit_of_the_engines_waits(session: aiohttp.ClientSession, haproxy: str) -> None:
    engines = Engine(), Engine()
    async with running(*engines), gateway(haproxy) as door:
        for number, engine in enumerate(engines):
            await door.add(engine, name=f"qwen-a10-{number}", maxconn=4)
        asked = asking(door, 40)
        sample = await seen(session, door, lambda sample: sample.waiting == 32)
        assert sample.engines == {"qwen-a10-0": 4, "qwen-a10-1": 4}
        assert sample.outstanding == sample.requests == 40
        for engine in engines:
            engine.gate.set()
        await asyncio.gather(*asked)


async def test_requests_on_one_connection_count_each_and_others_not_at_all(
    session: aiohttp.ClientSession, haproxy: str
) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine)
        for _ in range(7):
            assert (await door.embed()).status == 200
        assert (await door.ask("GET", "/health")).status == 200
        assert (await door.ask("POST", "/generate", b"{}")).status == 404
        assert (await door.embed({"input": [[1]]})).status == 400
        assert (await polled(session, door)).requests == 7


async def test_an_engine_in_maintenance_still_has_its_requests(session: aiohttp.ClientSession, haproxy: str) -> None:
    engine = Engine()
    async with running(engine), gateway(haproxy) as door:
        await door.add(engine, name="qwen-a10-1")
        asked = asking(door, 3)
        await seen(session, door, lambda sample: sample.engines == {"qwen-a10-1": 3})
        await door.command("set server engines/qwen-a10-1 state maint")
        sample = await polled(session, door)
        assert (sample.waiting, sample.outstanding) == (0, 3)
        engine.gate.set()
        await asyncio.gather(*asked, return_exceptions=True)


async def test_a_restart_counts_from_nothing_and_is_detected(session: aiohttp.ClientSession, haproxy: str) -> None:
    engine = open_engine()
    async with running(engine):
        async with gateway(haproxy) as door:
            await door.add(engine)
            for _ in range(3):
                await door.embed()
            before = await polled(session, door)
        async with gateway(haproxy) as door:
            after = await polled(session, door)
    load = listen({"uid": [before, after]}, present=["uid"], ready=["uid"], now=now())
    assert (load.last_arrival, load.reporting, load.answering) == (None, 0, 1)
    assert load.quiet_since == after.taken_at


async def test_a_gateway_that_is_not_there_gives_no_sample(session: aiohttp.ClientSession) -> None:
    failures: list[PollFailure] = []
    poller = gateway_poller(Fetcher(session=session, now=now, failed=failures.append))
    assert await poller.poll({"uid": f"http://{LOOPBACK}:{free_port()}"}) == ()
    assert failures == [PollFailure(source=Source.GATEWAY, cause=FailureCause.CONNECTION)]


async def test_an_engine_that_is_gone_is_down_until_it_is_back(session: aiohttp.ClientSession, haproxy: str) -> None:
    engines = open_engine(), open_engine()
    async with running(*engines), gateway(haproxy) as door:
        for number, engine in enumerate(engines):
            await door.add(engine, name=f"qwen-a10-{number}")
        assert (await polled(session, door)).down == frozenset()
        engines[0].kill()
        await seen(session, door, lambda sample: sample.down == {"qwen-a10-0"})
        await engines[0].start()
        await seen(session, door, lambda sample: sample.down == frozenset())
