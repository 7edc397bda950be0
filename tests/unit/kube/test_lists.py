"""What the operator lists: all namespaces, or only those in which it has permissions."""

from typing import Any

from aiohttp import web
from embedding_operator.kube.client import Client
from embedding_operator.kube.relist import relist_all
from embedding_operator.kube.scalers import conflicting_scalers
from embedding_operator.kube.store import ObjectStore

from tests.world.http_server import Answer, HttpServer
from tests.world.objects import Body, changed, deployment

CLUSTER_SCOPED = {
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/apis/embedding-operator.io/v1alpha1/gpupools",
    "/apis/embedding-operator.io/v1alpha1/scalingschedules",
}


def nothing(_: web.Request, __: Any) -> Answer:
    return 200, {"metadata": {"resourceVersion": "7"}, "items": []}


def autoscaler(name: str, *, namespace: str, target: str, kind: str = "Deployment") -> Body:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"scaleTargetRef": {"kind": kind, "name": target}},
    }


async def test_with_watched_namespaces_nothing_namespaced_is_listed_everywhere(
    server: HttpServer, client: Client
) -> None:
    server.otherwise = nothing
    store = ObjectStore()
    await relist_all(client, store, namespaces=("search", "recommendations"))
    await conflicting_scalers(client, store, namespaces=("search", "recommendations"))
    asked = [request.path for request in server.requests]
    assert {path for path in asked if "/namespaces/" not in path} == CLUSTER_SCOPED
    in_search = [path for path in asked if "/namespaces/search/" in path]
    in_recommendations = [path for path in asked if "/namespaces/recommendations/" in path]
    assert [path.replace("recommendations", "search") for path in in_recommendations] == in_search
    assert {path.rpartition("/")[2] for path in in_search} == {
        "embeddingservices",
        "deployments",
        "services",
        "poddisruptionbudgets",
        "configmaps",
        "serviceaccounts",
        "rolebindings",
        "networkpolicies",
        "pods",
        "horizontalpodautoscalers",
        "scaledobjects",
    }


async def test_without_them_every_kind_is_listed_once(server: HttpServer, client: Client) -> None:
    server.otherwise = nothing
    store = ObjectStore()
    await relist_all(client, store)
    await conflicting_scalers(client, store)
    assert len(server.requests) == 15
    assert not any("/namespaces/" in request.path for request in server.requests)


async def test_rivals_are_found_in_every_watched_namespace(server: HttpServer, client: Client) -> None:
    rivals = {
        "search": [autoscaler("rival", namespace="search", target="qwen-a10")],
        "other": [
            autoscaler("rival", namespace="other", target="qwen-a10"),
            autoscaler("harmless", namespace="other", target="somebody"),
            autoscaler("harmless", namespace="other", target="qwen-a10", kind="StatefulSet"),
        ],
    }

    def answer(request: web.Request, _: Any) -> Answer:
        if request.path.endswith("/scaledobjects"):
            return 404, {"message": "the server could not find the requested resource"}
        return 200, {"metadata": {"resourceVersion": "7"}, "items": rivals[request.path.split("/")[-2]]}

    server.otherwise = answer
    store = ObjectStore()
    for namespace in ("search", "other"):
        store.upsert("Deployment", changed(deployment(uid=namespace), "metadata", "namespace", to=namespace))
    assert await conflicting_scalers(client, store, namespaces=("other", "search")) == {
        ("search", "qwen"): ("HorizontalPodAutoscaler rival",),
        ("other", "qwen"): ("HorizontalPodAutoscaler rival",),
    }
