"""A service moves behind its gateway and back, as written to the cluster."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from embedding_operator.kube import resources
from embedding_operator.rendering.names import COMPONENT, ROUTE

from tests.world.objects import Body, ago, changed, gateway_pod, pod, service
from tests.world.reconciler import KEY, World, service_on, world

LATER = 1000


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[World]:
    """Yield a world with a service from before gateways existed, and an engine that serves."""
    async with world(tmp_path) as built:
        built.put(service_on("a10"), service(), pod(ready=ago(300)))
        yield built


async def reconciled(cluster: World, *, after: float = 0.0) -> tuple[str | None, bool, bool]:
    """Restart; return what the Service selects, whether gateways run, and whether a policy restricts the engines."""
    cluster.clock.advance(after)
    cluster.reconciler.forget_all_but([])
    cluster.server.requests.clear()
    cluster.server.bodies.clear()
    await cluster.reconciler.reconcile(KEY)
    applied = [body for body in cluster.server.bodies if body and "metadata" in body]
    fronts = [body for body in applied if (body["kind"], body["metadata"]["name"]) == ("Service", "qwen")]
    selected = fronts[-1]["spec"]["selector"][COMPONENT] if fronts else None
    present = {kind: cluster.store.get(kind, "search", own) for kind, own in OWN.items()}
    return selected, present["Deployment"] is not None, present["NetworkPolicy"] is not None


OWN = {"Deployment": "qwen-gateway", "NetworkPolicy": "qwen-engines"}


def with_gateway(version: int, **fields: Any) -> Body:
    body = changed(service_on("a10", version=version), "metadata", "generation", to=version)
    return changed(body, "spec", "gateway", to=fields)


def gateways_are_ready(cluster: World) -> None:
    cluster.put(*(gateway_pod(f"qwen-gateway-{each}", version=2, ready=ago(1)) for each in (1, 2)))


async def test_a_running_service_gets_its_gateway_before_requests_take_it(cluster: World) -> None:
    assert await reconciled(cluster) == ("engine", True, False)
    cluster.put(gateway_pod("qwen-gateway-1", ready=ago(1)), gateway_pod("qwen-gateway-2"))
    assert await reconciled(cluster, after=30) == ("engine", True, False)
    gateways_are_ready(cluster)
    assert await reconciled(cluster) == ("gateway", True, False)
    assert await reconciled(cluster, after=59) == ("gateway", True, False)
    assert await reconciled(cluster, after=1) == ("gateway", True, True)


async def test_engines_are_opened_before_requests_go_to_them_again(cluster: World) -> None:
    gateways_are_ready(cluster)
    await reconciled(cluster)
    assert await reconciled(cluster, after=60) == ("gateway", True, True)
    cluster.put(with_gateway(LATER, enabled=False))
    assert await reconciled(cluster) == ("gateway", True, False)
    deleted = [request.path for request in cluster.server.requests if request.method == "DELETE"]
    assert deleted == ["/apis/networking.k8s.io/v1/namespaces/search/networkpolicies/qwen-engines"]
    assert await reconciled(cluster, after=4) == ("gateway", True, False)
    assert await reconciled(cluster, after=1) == ("engine", True, False)
    assert await reconciled(cluster, after=59) == ("engine", True, False)
    assert await reconciled(cluster, after=1) == ("engine", False, False)
    for resource in resources.CHILDREN:
        assert cluster.store.get(resource.kind, "search", "qwen-gateway") is None


async def test_the_clock_brings_the_next_step(cluster: World) -> None:
    gateways_are_ready(cluster)
    assert await cluster.reconciler.reconcile(KEY) == 60
    cluster.clock.advance(60)
    assert (await cluster.reconciler.reconcile(KEY) or 0) > 60


async def test_a_service_without_a_gateway_stays_the_plain_one(cluster: World) -> None:
    cluster.put(with_gateway(2, enabled=False))
    assert await reconciled(cluster) == ("engine", False, False)
    front = cluster.store.get("Service", "search", "qwen")
    assert front is not None
    assert ROUTE not in (front["metadata"].get("annotations") or {})
    status = (cluster.store.get("EmbeddingService", "search", "qwen") or {})["status"]
    (told,) = [each for each in status["conditions"] if each["type"] == "GatewayAvailable"]
    assert (told["status"], told["reason"]) == ("False", "GatewayDisabled")
