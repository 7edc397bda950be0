"""Gateway pods, and engines for them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from testbed.engine.process import EngineProcess, FakeEngine
from tests.contract.gateway_agent.api_server import ApiServer, api_server
from tests.contract.gateway_agent.pod import Pod

OPTIONS = ("--model-path", "minilm-model", "--served-model-name", "minilm", "--is-embedding")
ENGINES = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "gateway_agent":
            item.add_marker(pytest.mark.haproxy)
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[EngineProcess]]:
    """Return engines in which requests take long enough for a change to happen meanwhile."""
    folder = tmp_path_factory.mktemp("engines")
    variables = {"FAKE_ENGINE_BASE_SECONDS": "0.05", "FAKE_ENGINE_DRAIN_POLL_SECONDS": "0.2"}
    with ExitStack() as stack:
        started = [
            stack.enter_context(FakeEngine(log=folder / f"{number}", options=OPTIONS, variables=variables))
            for number in range(ENGINES)
        ]
        for engine in started:
            engine.wait_until_ready()
        yield started


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a path short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as name:
        yield Path(name)


@pytest.fixture
async def api(folder: Path) -> AsyncIterator[ApiServer]:
    async with api_server(folder / "kubeconfig") as serving:
        yield serving


@pytest.fixture
async def pod(folder: Path, haproxy: str, api: ApiServer) -> AsyncIterator[Pod]:
    """Return a gateway pod that is not started yet, without API keys."""
    made = Pod(folder, haproxy=haproxy, api=api)
    yield made
    await made.stop()
