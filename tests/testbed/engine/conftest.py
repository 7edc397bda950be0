"""Fake engines inside the test's process."""

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from testbed.engine.fake.application import application
from testbed.engine.fake.fleet import Fleet
from testbed.engine.fake.settings import read_settings

OPTIONS = ("--model-path", "model", "--is-embedding", "--enable-metrics", "--context-length", "64")
QUICK = {"FAKE_ENGINE_HEALTH_SECONDS": "0", "FAKE_ENGINE_BASE_SECONDS": "0", "FAKE_ENGINE_FLOOR_SECONDS": "0"}
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - the tests call it by loopback addresses

StartFake = Callable[..., Awaitable[int]]


@pytest.fixture
async def start_fake() -> AsyncIterator[StartFake]:
    """Return a function that serves a fake engine with options and variables, and returns its port."""
    runners: list[tuple[web.AppRunner, Fleet]] = []

    async def start(*options: str, **variables: str) -> int:
        environment = {**QUICK, **{f"FAKE_ENGINE_{name.upper()}": text for name, text in variables.items()}}
        fleet = Fleet(read_settings([*OPTIONS, *options], environment=environment))
        runner = web.AppRunner(application(fleet), handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        runners.append((runner, fleet))
        await runner.setup()
        site = web.TCPSite(runner, ANY_ADDRESS, 0)
        await site.start()
        await fleet.warm_up()
        return int(runner.addresses[0][1])

    yield start
    for runner, fleet in runners:
        await runner.cleanup()
        await fleet.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session
