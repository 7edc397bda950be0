"""Which objects are reconciled after which changes."""

from typing import Any

import pytest
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.reconcile.workqueue.enqueue import Enqueuer

SERVICE_LABELS = {"app.kubernetes.io/managed-by": "embedding-operator", "embedding-operator.io/service": "demo"}


class Keys:
    def __init__(self) -> None:
        self.added: list[ObjectKey] = []

    def add(self, key: ObjectKey) -> None:
        self.added.append(key)


def body(name: str, *, namespace: str = "", version: int = 1, labels: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": name,
        "uid": f"uid-{name}",
        "resourceVersion": str(version),
        "generation": version,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": labels or {},
    }
    if namespace:
        metadata["namespace"] = namespace
    return {"metadata": metadata, "spec": {"replicas": 1}, "status": {}}


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def enqueuer(keys: Keys) -> Enqueuer:
    enqueuer = Enqueuer(store=ObjectStore(), sink=keys)
    enqueuer.seen("EmbeddingService", body("demo", namespace="search"), deleted=False)
    enqueuer.seen("EmbeddingService", body("other", namespace="ads"), deleted=False)
    enqueuer.seen("GPUPool", body("a10"), deleted=False)
    keys.added.clear()
    return enqueuer


DEMO = ObjectKey("EmbeddingService", "search", "demo")
OTHER = ObjectKey("EmbeddingService", "ads", "other")
A10 = ObjectKey("GPUPool", "", "a10")


@pytest.mark.parametrize(
    ("kind", "seen", "expected"),
    [
        ("EmbeddingService", body("demo", namespace="search", version=2), {DEMO}),
        ("Pod", body("demo-1", namespace="search", labels=SERVICE_LABELS), {DEMO}),
        ("Deployment", body("demo-a10", namespace="search", labels=SERVICE_LABELS), {DEMO}),
        ("Pod", body("foreign", namespace="search"), set()),
        ("GPUPool", body("a10", version=2), {A10, DEMO, OTHER}),
        ("ScalingSchedule", body("nights"), {ObjectKey("ScalingSchedule", "", "nights"), DEMO, OTHER}),
        ("Namespace", body("ads", labels={"team": "b"}), {OTHER}),
        ("Node", body("node-1"), {A10}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_change_concerns(
    enqueuer: Enqueuer, keys: Keys, kind: str, seen: dict[str, Any], expected: set[ObjectKey]
) -> None:
    enqueuer.seen(kind, seen, deleted=False)

    assert set(keys.added) == expected


def test_an_event_without_news_concerns_nothing(enqueuer: Enqueuer, keys: Keys) -> None:
    again = body("demo", namespace="search")
    again["metadata"]["resourceVersion"] = "7"
    again["status"] = {"replicas": 3}
    enqueuer.seen("EmbeddingService", again, deleted=False)

    assert keys.added == []


def test_a_deletion_concerns_the_object_once(enqueuer: Enqueuer, keys: Keys) -> None:
    enqueuer.seen("EmbeddingService", body("demo", namespace="search"), deleted=True)
    enqueuer.seen("EmbeddingService", body("demo", namespace="search"), deleted=True)

    assert keys.added == [DEMO]
    assert list(enqueuer.every_service()) == [OTHER]
    assert list(enqueuer.every_cluster_object()) == [A10]
