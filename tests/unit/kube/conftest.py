from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from embedding_operator.kube.client import Answered, Client, connect

from tests.world.http_server import HttpServer, http_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpServer]:
    async with http_server(tmp_path) as serving:
        yield serving


@pytest.fixture
def answered() -> list[Answered]:
    return []


@pytest.fixture
async def client(server: HttpServer, answered: list[Answered]) -> AsyncIterator[Client]:
    async with await connect(
        kubeconfig=server.kubeconfig, user_agent="embedding-operator/1", timeout_seconds=0.5, observer=answered.append
    ) as opened:
        yield opened
