"""Both engines, started in the same way, so that every test runs against the real one and the fake one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from enum import Enum
from pathlib import Path

import aiohttp
import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import skip_reason
from testbed.cluster.progress import Progress
from testbed.engine.process import EngineProcess, FakeEngine
from testbed.engine.real.engine import RealEngine
from testbed.engine.real.environment import EngineEnvironment, ensure_environment
from tests.contract.engine.client import EngineClient

CONTEXT_LENGTH = 256
MAX_QUEUED = 100
LIMITS = ("--max-running-requests", "8", "--max-queued-requests", str(MAX_QUEUED))
FAKE_OPTIONS = (
    *("--model-path", "minilm-model", "--served-model-name", "minilm", "--is-embedding", "--enable-metrics"),
    *("--context-length", str(CONTEXT_LENGTH), "--max-total-tokens", "20000"),
)
SLOW_ENOUGH_TO_QUEUE = {"FAKE_ENGINE_SECONDS_PER_TOKEN": "0.0005", "FAKE_ENGINE_DRAIN_POLL_SECONDS": "0.5"}
TIMEOUT = aiohttp.ClientTimeout(total=120)


class Engine(Enum):
    """The two engines that must agree."""

    FAKE = "fake"
    REAL = "real"


Starter = Callable[[Engine, str], EngineProcess]


@pytest.fixture(scope="session")
def real_environment() -> EngineEnvironment:
    """Return the installed SGLang; if it cannot be installed, tests are skipped; in CI they fail."""
    try:
        return ensure_environment(progress=Progress())
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))


@pytest.fixture(scope="session")
def starter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Starter:
    """Return a function that creates an engine, not started yet, with a log of the given name."""
    logs: Path = tmp_path_factory.mktemp("engines")

    def make(engine: Engine, name: str) -> EngineProcess:
        log = logs / f"{engine.value}-{name}.log"
        if engine is Engine.FAKE:
            return FakeEngine(log=log, options=[*FAKE_OPTIONS, *LIMITS], variables=SLOW_ENOUGH_TO_QUEUE)
        return RealEngine(request.getfixturevalue("real_environment"), log=log, options=LIMITS)

    return make


@pytest.fixture(scope="session", params=list(Engine), ids=lambda engine: engine.value)
def engine(request: pytest.FixtureRequest, starter: Starter) -> Iterator[EngineProcess]:
    """Return a ready engine that tests share: no test may leave it changed."""
    with starter(request.param, "shared") as process:
        process.wait_until_ready()
        yield process


@pytest.fixture(params=list(Engine), ids=lambda engine: engine.value)
def own_engine(request: pytest.FixtureRequest, starter: Starter) -> Iterator[EngineProcess]:
    """Return a ready engine that the test may end."""
    with starter(request.param, request.node.originalname) as process:
        process.wait_until_ready()
        yield process


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture
def client(engine: EngineProcess, http: aiohttp.ClientSession) -> EngineClient:
    """Return a client of the shared engine."""
    return EngineClient(engine.url, session=http)
