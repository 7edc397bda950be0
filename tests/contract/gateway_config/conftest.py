"""The real HAProxy, for all tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "gateway_config":
            item.add_marker(pytest.mark.haproxy)


@pytest.fixture(scope="session")
async def shared(haproxy: str) -> AsyncIterator[tuple[Gateway, Engine]]:
    """Return a gateway with short limits and the engine behind it, for all tests that leave them unchanged."""
    engine = open_engine()
    limits: dict[str, Any] = {
        "body_limit_bytes": 100_000,
        "header_timeout_seconds": 1,
        "request_timeout_seconds": 1,
        "client_timeout_seconds": 2,
    }
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
