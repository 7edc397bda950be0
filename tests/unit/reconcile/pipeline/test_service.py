"""One reconcile of a service, from the store to what is written."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.kube import resources
from embedding_operator.kube.resources import DEPLOYMENT, EMBEDDING_SERVICE
from embedding_operator.reconcile.pipeline.render import Renderings

from tests.world.objects import SERVICE_UID, ago, changed, deployment, namespace, pod
from tests.world.reconciler import KEY, World, service_on, world

DELETED_AT = "2026-06-03T12:00:00Z"
LATER = 1000
CHILDREN = [
    "Deployment qwen-a10",
    "ServiceAccount qwen-gateway",
    "RoleBinding qwen-gateway",
    "ConfigMap qwen-gateway",
    "NetworkPolicy qwen-gateway",
    "Service qwen-engines",
    "Deployment qwen-gateway",
    "PodDisruptionBudget qwen-gateway",
    "Service qwen",
    "PodDisruptionBudget qwen",
    "NetworkPolicy qwen-engines",
]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as built:
        yield built


async def settle(cluster: World) -> None:
    """Reconcile until the status reports the created children."""
    for _ in range(2):
        await cluster.reconciler.reconcile(KEY)
    cluster.written()


async def test_a_new_service_gets_its_children_and_a_status(cluster: World) -> None:
    cluster.put(service_on("a10"))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == [*CHILDREN, "EmbeddingService qwen status"]


async def test_at_rest_nothing_is_written(cluster: World) -> None:
    cluster.put(service_on("a10"))
    await settle(cluster)
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == []
    assert len(cluster.decisions) == 3


async def test_a_pool_that_leaves_the_spec_keeps_its_deployment_while_replicas_are_held(cluster: World) -> None:
    cluster.put(service_on("a10", "t4"))
    await settle(cluster)
    cluster.put(service_on("a10", version=LATER, generation=2))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == ["EmbeddingService qwen status"]
    assert cluster.store.get(DEPLOYMENT.kind, "search", "qwen-t4") is not None


async def test_a_pool_without_replicas_that_left_the_spec_takes_its_deployment_along(cluster: World) -> None:
    cluster.put(service_on("a10"), deployment("t4", replicas=0))
    await cluster.reconciler.reconcile(KEY)
    deleted = [request.path for request in cluster.server.requests if request.method == "DELETE"]
    assert deleted == ["/apis/apps/v1/namespaces/search/deployments/qwen-t4"]
    assert cluster.store.get(DEPLOYMENT.kind, "search", "qwen-t4") is None


async def test_what_is_not_there_or_on_its_way_out_is_left_alone(cluster: World) -> None:
    await cluster.reconciler.reconcile(KEY)
    cluster.put(service_on("a10", deletionTimestamp=DELETED_AT))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.server.requests == []


async def test_nothing_is_asked_of_a_namespace_that_is_ending(cluster: World) -> None:
    cluster.put(service_on("a10"), namespace(version=2, deletionTimestamp=DELETED_AT))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.server.requests == []
    assert cluster.decisions == []


async def test_a_service_whose_children_went_with_its_namespace_is_left_alone(cluster: World) -> None:
    cluster.put(service_on("a10"))
    await settle(cluster)
    cluster.put(namespace(version=2, deletionTimestamp=DELETED_AT))
    for resource in resources.CHILDREN:
        for body in cluster.store.owned(resource.kind, namespace="search", service="qwen"):
            cluster.store.remove(resource.kind, "search", body["metadata"]["name"])
    await cluster.reconciler.reconcile(KEY)
    assert cluster.server.requests == []


async def test_a_spec_that_cannot_be_read_is_said_and_nothing_else_changes(cluster: World) -> None:
    cluster.put(changed(service_on("a10"), "spec", "model", "huggingFace", "repo", to=7))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == ["EmbeddingService qwen status"]
    status = (cluster.store.get(EMBEDDING_SERVICE.kind, "search", "qwen") or {})["status"]
    stalled = next(each for each in status["conditions"] if each["type"] == "Stalled")
    assert stalled["reason"] == "InvalidSpec"
    assert "spec.model.huggingFace.repo" in stalled["message"]


async def test_a_service_without_any_gpu_pool_waits(cluster: World) -> None:
    cluster.put(service_on("l4"))
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == ["EmbeddingService qwen status"]
    assert cluster.decisions == []


async def test_another_autoscaler_is_named_in_the_status(cluster: World) -> None:
    cluster.put(service_on("a10"))
    cluster.reporter.other_scalers = {("search", "qwen"): ("HorizontalPodAutoscaler rival",)}
    await cluster.reconciler.reconcile(KEY)
    status = (cluster.store.get(EMBEDDING_SERVICE.kind, "search", "qwen") or {})["status"]
    conflicting = next(each for each in status["conditions"] if each["type"] == "ConflictingScaler")
    assert conflicting["status"] == "True"
    assert "HorizontalPodAutoscaler rival" in conflicting["message"]


async def test_a_service_that_is_forgotten_is_looked_at_as_if_it_were_new(cluster: World) -> None:
    cluster.put(service_on("a10"))
    await settle(cluster)
    cluster.reconciler.forget_all_but(["somebody-else"])
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == CHILDREN


@pytest.mark.parametrize(
    ("kind", "name"), [("ServiceAccount", "qwen-gateway"), ("NetworkPolicy", "qwen-engines"), ("Service", "qwen")]
)
async def test_nothing_is_written_while_a_name_belongs_to_another_owner(cluster: World, kind: str, name: str) -> None:
    foreign = {
        "kind": kind,
        "metadata": {"name": name, "namespace": "search", "uid": "foreign-uid", "resourceVersion": "5"},
    }
    cluster.put(service_on("a10"), foreign)
    await cluster.reconciler.reconcile(KEY)
    assert cluster.written() == ["EmbeddingService qwen status"]
    status = (cluster.store.get(EMBEDDING_SERVICE.kind, "search", "qwen") or {})["status"]
    stalled = next(each for each in status["conditions"] if each["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "NameConflict")
    assert f"{kind} {name}" in stalled["message"]


async def test_an_unexpected_error_is_told_and_leaves_everything_as_it_was(
    cluster: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.put(service_on("a10"))
    await settle(cluster)

    def bug(*_: Any, **__: Any) -> Any:
        raise RuntimeError("secret detail")

    with monkeypatch.context() as broken:
        broken.setattr(Renderings, "manifests", bug)
        with pytest.raises(RuntimeError):
            await cluster.reconciler.reconcile(KEY)
    stalled = conditions_of(cluster)["Stalled"]
    assert (stalled["status"], stalled["reason"]) == ("True", "InternalError")
    assert "RuntimeError" in stalled["message"]
    assert "secret detail" not in stalled["message"]
    assert cluster.written() == ["EmbeddingService qwen status"]
    await cluster.reconciler.reconcile(KEY)
    assert conditions_of(cluster)["Stalled"]["status"] == "False"


def conditions_of(cluster: World) -> dict[str, dict[str, Any]]:
    """Return the conditions in the status of the service, by type."""
    body = cluster.store.get(*KEY)
    assert body is not None
    return {each["type"]: each for each in body["status"]["conditions"]}


async def test_replicas_that_are_not_known_yet_are_not_removed(cluster: World) -> None:
    """After a restart the list of pods may be older than that of Deployments: three Ready pods are not in it."""
    cluster.put(changed(service_on("a10"), "spec", "gateway", to={"enabled": False}))
    await settle(cluster)
    live = cluster.store.get("Deployment", "search", "qwen-a10")
    assert live is not None
    scaled = deployment("a10", replicas=4, version=LATER)
    alone = pod("a", pool="a10", ready=ago(600))
    cluster.put({**scaled, "metadata": {**scaled["metadata"], "uid": live["metadata"]["uid"]}}, alone)
    done = 0.0
    for _ in range(20):
        cluster.clock.advance(5)
        done += 100.0
        sample = EngineSample(
            pod_uid="a-uid",
            taken_at=cluster.clock(),
            in_flight=0.0,
            running=0.0,
            waiting_requests=0.0,
            waiting_tokens=0.0,
            tokens_done=done,
        )
        cluster.engines.record(SERVICE_UID, [sample], now=cluster.clock())
        await cluster.reconciler.reconcile(KEY)
    assert StepReason.PARTIAL_METRICS_NO_DOWN in cluster.decisions[-1].reasons()
    (target,) = cluster.decisions[-1].targets
    assert target.replicas == 4
