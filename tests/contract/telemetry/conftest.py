"""An HTTP session like the operator's, and a fake engine as a process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from embedding_operator.telemetry.fetch import pod_session

from testbed.engine.process import EngineProcess, FakeEngine

OPTIONS = (
    *("--model-path", "minilm-model", "--served-model-name", "minilm", "--is-embedding", "--enable-metrics"),
    *("--context-length", "256", "--max-running-requests", "8", "--max-queued-requests", "40"),
)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with pod_session() as opened:
        yield opened


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """Return an engine slow enough for a visible queue."""
    log: Path = tmp_path_factory.mktemp("engine") / "log"
    variables = {
        "FAKE_ENGINE_SECONDS_PER_TOKEN": "0.002",
        "FAKE_ENGINE_SLOW_METRICS_SECONDS": "3",
        "FAKE_ENGINE_DRAIN_POLL_SECONDS": "0.5",
    }
    with FakeEngine(log=log, options=OPTIONS, variables=variables) as process:
        process.wait_until_ready()
        yield process
