"""The API paths of every kind, and which autoscalers conflict."""

import pytest
from embedding_operator.kube.projection import trimmed
from embedding_operator.kube.relist import SOURCES, Source
from embedding_operator.kube.resources import (
    CHILDREN,
    CUSTOM,
    DEPLOYMENT,
    EMBEDDING_SERVICE,
    GPU_POOL,
    LEASE,
    NAMESPACE,
    POD,
    Resource,
)
from embedding_operator.kube.scalers import matched
from embedding_operator.kube.store import ObjectStore

from tests.world.objects import Body, deployment


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (POD.path(), "/api/v1/pods"),
        (POD.path(namespace="search", name="qwen"), "/api/v1/namespaces/search/pods/qwen"),
        (NAMESPACE.path(name="search"), "/api/v1/namespaces/search"),
        (DEPLOYMENT.path(namespace="search"), "/apis/apps/v1/namespaces/search/deployments"),
        (
            EMBEDDING_SERVICE.path(namespace="search", name="qwen", subresource="status"),
            "/apis/embedding-operator.io/v1alpha1/namespaces/search/embeddingservices/qwen/status",
        ),
        (GPU_POOL.path(namespace="ignored", name="a10"), "/apis/embedding-operator.io/v1alpha1/gpupools/a10"),
        (POD.path(namespace="a/b", name="../c"), "/api/v1/namespaces/a%2Fb/pods/..%2Fc"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert path == expected


def test_names_as_rbac_writes_them() -> None:
    assert [each.qualified for each in (POD, DEPLOYMENT, LEASE)] == [
        "pods",
        "deployments.apps",
        "leases.coordination.k8s.io",
    ]


@pytest.mark.parametrize("resource", [*CUSTOM, *CHILDREN, POD, NAMESPACE], ids=lambda each: each.kind)
def test_everything_that_is_read_is_listed(resource: Resource) -> None:
    assert resource in [source.resource for source in SOURCES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda each: each.resource.kind)
def test_a_bare_object_of_every_kind_can_be_kept(source: Source) -> None:
    body = {"metadata": {"name": "x", "uid": "u", "resourceVersion": "1", "managedFields": []}, "spec": {}}
    assert "managedFields" not in trimmed(source.resource.kind, body)["metadata"]


def scaler(target: Body, *, name: str = "scaler", namespace: str = "search") -> Body:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"scaleTargetRef": target}}


def found(*scalers: tuple[str, Body]) -> dict[tuple[str, str], tuple[str, ...]]:
    store = ObjectStore()
    store.upsert("Deployment", deployment())
    return dict(matched(scalers, store=store))


def test_autoscalers_of_a_managed_deployment_are_named() -> None:
    target = {"kind": "Deployment", "name": "qwen-a10"}
    assert found(
        ("ScaledObject", scaler({"name": "qwen-a10"}, name="queue")),
        ("HorizontalPodAutoscaler", scaler(target, name="cpu")),
    ) == {("search", "qwen"): ("HorizontalPodAutoscaler cpu", "ScaledObject queue")}


@pytest.mark.parametrize(
    "harmless",
    [
        scaler({"kind": "Deployment", "name": "other"}),
        scaler({"kind": "Deployment", "name": "qwen-a10"}, namespace="elsewhere"),
        scaler({"kind": "StatefulSet", "name": "qwen-a10"}),
        scaler({}),
        {"metadata": {"name": "x", "namespace": "search"}, "spec": {}},
    ],
    ids=["other", "other namespace", "other kind", "empty", "none"],
)
def test_other_autoscalers_are_left_alone(harmless: Body) -> None:
    assert found(("HorizontalPodAutoscaler", harmless)) == {}
