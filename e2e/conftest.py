"""One cluster and one installation for all scenarios; a namespace of its own for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import Watched, sample
from testbed.cluster.progress import Progress
from testbed.installation import QUEUE_NAMESPACE, Installation, install


@pytest.fixture(scope="session")
def installation() -> Installation:
    """The operator, installed by its chart in the kind cluster, without anything that earlier runs left."""
    return install(progress=Progress())


@pytest.fixture
def namespaces(installation: Installation) -> Iterator[Callable[[str], str]]:
    """Makes namespaces, which are deleted at the end of the test."""
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
    """The sample that is scaled by its queue, not applied yet."""
    return Watched(installation, namespaces(QUEUE_NAMESPACE), sample("queue")["metadata"]["name"])


@pytest.fixture
def day_night(installation: Installation, namespaces: Callable[[str], str]) -> Watched:
    """The sample that moves from A10 to T4 by the clock, not applied yet."""
    return Watched(installation, namespaces("e2e-window"), sample("day-night")["metadata"]["name"])


@pytest.fixture
def queue_clients(queue: Watched) -> Clients:
    """Clients beside the sample that is scaled by its queue."""
    return Clients(queue.installation, queue.namespace)


@pytest.fixture
def day_night_clients(day_night: Watched) -> Clients:
    """Clients beside the sample that moves by the clock."""
    return Clients(day_night.installation, day_night.namespace)
