"""One cluster and one installation for all scenarios; a separate namespace for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched, sample
from testbed.cluster.progress import Progress
from testbed.installation import QUEUE_NAMESPACE, Installation, install


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Return the operator, installed with its chart in the kind cluster; leftovers of earlier runs are removed."""
    return install(progress=Progress())


@pytest.fixture
def namespaces(installation: Installation) -> Iterator[Callable[[str], str]]:
    """Yield a function that creates namespaces, which are deleted at the end of the test."""
    made: list[str] = []

    def make(name: str) -> str:
        installation.make_namespace(name)
        made.append(name)
        return name

    yield make
    if made:
        installation.delete_namespaces(*made)


@pytest.fixture
def queue(installation: Installation, namespaces: Callable[[str], str]) -> Watched:
    """Return the sample that scales by its queue, not applied yet."""
    return Watched(installation, namespaces(QUEUE_NAMESPACE), sample("queue")["metadata"]["name"])


@pytest.fixture
def day_night(installation: Installation, namespaces: Callable[[str], str]) -> Watched:
    """Return the sample that moves from A10 to T4 on schedule, not applied yet."""
    return Watched(installation, namespaces("e2e-window"), sample("day-night")["metadata"]["name"])


@pytest.fixture
def queue_clients(queue: Watched) -> Clients:
    """Return clients in the namespace of the sample that scales by its queue."""
    return Clients(queue.installation, queue.namespace)


@pytest.fixture
def day_night_clients(day_night: Watched) -> Clients:
    """Return clients in the namespace of the sample that moves on schedule."""
    return Clients(day_night.installation, day_night.namespace)
