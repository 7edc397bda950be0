"""The real HAProxy, for all tests here."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import ensure, skip_reason
from testbed.cluster.programs import find_program
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import GATEWAY
from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "gateway_config":
            item.add_marker(pytest.mark.haproxy)


@pytest.fixture(scope="session")
def haproxy() -> str:
    """Return the path of HAProxy; if it cannot be installed, tests are skipped; in CI they fail."""
    try:
        ensure(GATEWAY, progress=Progress())
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))
    found = find_program("haproxy")
    assert found is not None
    return found


@pytest.fixture(scope="session")
async def shared(haproxy: str) -> AsyncIterator[tuple[Gateway, Engine]]:
    """Return a gateway with short limits and the engine behind it, for all tests that leave them unchanged."""
    engine = open_engine()
    limits: dict[str, Any] = {"body_limit_bytes": 100_000, "request_timeout_seconds": 1, "client_timeout_seconds": 2}
    async with running(engine), gateway(haproxy, **limits) as one:
        await one.add(engine)
        yield one, engine


@pytest.fixture
def door(shared: tuple[Gateway, Engine]) -> Gateway:
    """Return the shared gateway."""
    return shared[0]


@pytest.fixture
def engine(shared: tuple[Gateway, Engine]) -> Engine:
    """Return the shared engine, which has not seen any request yet."""
    shared[1].seen.clear()
    return shared[1]
