"""The real Prometheus for all tests here, and servers that are not Prometheus."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest
from embedding_operator.telemetry.exporter import DEMAND
from embedding_operator.telemetry.prometheus import Prometheus

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.prerequisites import ensure, skip_reason
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import PROMETHEUS
from tests.contract.prometheus.server import blocks, days_ago, prometheus

RULES = {"queue_length": "vector(42)", "two_queues": 'label_replace(vector(1), "q", "a", "", "") or vector(2)'}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "prometheus":
            item.add_marker(pytest.mark.prometheus)


@pytest.fixture(scope="session")
def prometheus_installed() -> None:
    """Install Prometheus and its tools; where that is not possible, tests are skipped, and in CI they fail."""
    try:
        ensure(PROMETHEUS, progress=Progress())
    except PrerequisiteError as missing:
        pytest.skip(skip_reason(missing, environment=os.environ))


@pytest.fixture(scope="session")
def address(prometheus_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prometheus."""
    folder = tmp_path_factory.mktemp("prometheus")
    hourly = [("past_requirement", days_ago(3 + hour / 24), 100.0 + hour) for hour in range(12, -1, -1)]
    blocks(folder, samples=[*hourly, *demand()])
    with prometheus(folder, rules=RULES) as serving:
        yield serving


def demand() -> Iterator[tuple[str, datetime, float]]:
    """Yield two weeks of requirements: ten times the hour of the day, from a scrape that renames labels or not.

    The requirement of search/plain is exported by a pod that was replaced a week ago, and by its successor.
    """
    for step in range(14 * 24 * 20, 0, -1):
        instant = days_ago(step / 24 / 20)
        pod = "first" if step > 7 * 24 * 20 else "second"
        plain = f'namespace="search",name="plain",pod="{pod}"'
        renamed = f'namespace="system",exported_namespace="search",name="renamed",pod="{pod}"'
        other = 'namespace="search",exported_namespace="ads",name="plain",pod="first"'
        yield f"{DEMAND}{{{plain}}}", instant, 10.0 * instant.hour
        yield f"{DEMAND}{{{renamed}}}", instant, 10.0 * instant.hour
        yield f"{DEMAND}{{{other}}}", instant, 99_999.0


@pytest.fixture
async def client() -> AsyncIterator[Prometheus]:
    made = Prometheus(now=lambda: datetime.now(UTC), timeout_seconds=1.0)
    yield made
    made.close()
