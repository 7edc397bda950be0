"""The whole process: a service whose trigger and forecast come from a real Prometheus, and its status."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.kube.resources import EMBEDDING_SERVICE, GPU_POOL, NAMESPACE

from testbed.engine.process import LOOPBACK, free_port
from tests.unit.test_main import empty_cluster, operator, server
from tests.world.http_server import Answer, HttpServer
from tests.world.objects import Body, embedding_service, gpu_pool, namespace

__all__ = ["server"]

SECONDS = 60


class Cluster:
    """Stores one service on one pool, and the statuses that were written."""

    def __init__(self, *triggers: dict[str, Any]) -> None:
        service = embedding_service()
        pools = [{"gpuPool": "a10", "minReplicas": 0, "maxReplicas": 9}]
        spec = {**service["spec"], "pools": pools, "scaling": {"triggers": triggers}}
        self.objects: dict[str, Body] = {
            EMBEDDING_SERVICE.path(): {**service, "spec": spec},
            GPU_POOL.path(): gpu_pool(),
            NAMESPACE.path(): namespace(),
        }
        self.version = 100
        self.written: asyncio.Queue[Any] = asyncio.Queue()

    def answer(self, request: web.Request, body: Any) -> Answer:
        if request.method == "PATCH":
            return 200, self._patched(request.path, body)
        if request.method == "GET" and "watch" not in request.query and request.path in self.objects:
            return 200, {"metadata": {"resourceVersion": "7"}, "items": [self.objects[request.path]]}
        return empty_cluster(request, body)

    def _patched(self, path: str, body: Body) -> Body:
        """Return the object after a server-side apply of `body`; record statuses for the test."""
        self.version += 1
        known = next((each for each in self.objects.values() if each["kind"] == body["kind"]), None)
        identity = {"uid": f"uid-{path}", "creationTimestamp": "2026-06-03T12:00:00Z", "generation": 1}
        metadata = {**(known["metadata"] if known else identity), **body["metadata"]}
        if path.endswith("embeddingservices/qwen/status"):
            self.written.put_nowait(body["status"])
        return {**(known or {}), **body, "metadata": {**metadata, "resourceVersion": str(self.version)}}

    async def status_with(self, reading: str) -> dict[str, Any]:
        """Return the first status whose first trigger has a value or a problem; `reading` says which."""
        while True:
            status: dict[str, Any] = await self.written.get()
            triggers = status.get("decision", {}).get("triggers", ())
            if triggers and triggers[0].get(reading) not in (None, "no answer yet"):
                return status


def trigger(query: str, **where: str) -> dict[str, Any]:
    return {"name": "orders", "threshold": 10, "prometheus": {"query": query, **where}}


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in status["conditions"] if each["type"] == kind)
    return found


async def test_a_trigger_asks_for_replicas(server: HttpServer, address: str) -> None:
    cluster = Cluster(trigger("queue_length / 2"))
    server.otherwise = cluster.answer
    async with asyncio.timeout(SECONDS), operator(server, PROMETHEUS_URL=address, POLL_SECONDS="1"):
        status = await cluster.status_with("value")
    assert status["decision"]["triggers"] == [{"name": "orders", "value": 21.0}]
    assert condition(status, "TriggersAvailable")["reason"] == "Reporting"
    assert status["pools"][0]["desired"] == 3


async def test_an_address_that_is_not_listed_is_not_asked(server: HttpServer, address: str) -> None:
    cluster = Cluster(trigger("queue_length", serverAddress=address))
    server.otherwise = cluster.answer
    async with asyncio.timeout(SECONDS), operator(server, POLL_SECONDS="1"):
        refused = await cluster.status_with("problem")
    assert condition(refused, "TriggersAvailable")["message"].startswith(
        f"trigger orders: the operator may not query {address}: have an admin add it to prometheus.allowedAddresses"
    )


@pytest.mark.parametrize("allowed", ["*", None], ids=["any", "listed"])
async def test_one_that_is_listed_is(server: HttpServer, address: str, allowed: str | None) -> None:
    cluster = Cluster(trigger("queue_length", serverAddress=f"{address}/"))
    server.otherwise = cluster.answer
    listed = allowed or address
    async with asyncio.timeout(SECONDS), operator(server, PROMETHEUS_ADDRESSES=listed, POLL_SECONDS="1"):
        assert (await cluster.status_with("value"))["decision"]["triggers"][0]["value"] == 42.0


async def test_what_forecasts_are_made_of_is_exported(server: HttpServer, address: str) -> None:
    cluster = Cluster(trigger("queue_length"))
    server.otherwise = cluster.answer
    port = free_port()
    variables = {"PROMETHEUS_URL": address, "POLL_SECONDS": "1", "METRICS_PORT": str(port)}
    async with asyncio.timeout(SECONDS), operator(server, **variables), aiohttp.ClientSession() as session:
        await cluster.status_with("value")
        async with session.get(f"http://{LOOPBACK}:{port}/metrics") as response:
            page = await response.text()
    for name in ("embsvc_demand_tokens_per_second", "embsvc_required_tokens_per_second"):
        line = next(line for line in page.splitlines() if line.startswith(f'{name}{{name="qwen",namespace="search"}} '))
        assert float(line.rpartition(" ")[2]) > 0
