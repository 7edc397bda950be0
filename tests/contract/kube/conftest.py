"""A client of the test cluster, and a namespace for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from embedding_operator.kube.client import Answered, connect
from embedding_operator.kube.resources import NAMESPACE
from embedding_operator.kube.store import ObjectStore

from tests.contract.kube.objects import Place, unique


@pytest.fixture
async def place(crds: Path) -> AsyncIterator[Place]:
    """Return a new namespace, which is deleted with everything in it."""
    requests: list[Answered] = []
    async with await connect(kubeconfig=crds, user_agent="contract-tests", observer=requests.append) as client:
        name = unique("kube-contract")
        body = await client.create(NAMESPACE, {"apiVersion": "v1", "kind": NAMESPACE.kind, "metadata": {"name": name}})
        requests.clear()
        yield Place(client, name, requests)
        metadata = (await client.get(NAMESPACE, name=name))["metadata"]
        await client.delete(
            NAMESPACE,
            namespace="",
            name=name,
            uid=body["metadata"]["uid"],
            resource_version=metadata["resourceVersion"],
        )


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore()
