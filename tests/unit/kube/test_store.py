"""The store keeps the newest known state of every object, in whatever order updates arrive."""

from typing import Any

import pytest
from embedding_operator.kube.store import Change, ObjectKey, ObjectStore
from hypothesis import given
from hypothesis import strategies as st

from tests.world.objects import (
    Body,
    changed,
    condition,
    deployment,
    embedding_service,
    metadata,
    pod,
    service,
    without_label,
)


def newer(body: Body, *path: str, to: Any) -> Body:
    return changed(changed(body, *path, to=to), "metadata", "resourceVersion", to="2")


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore()


BODIES = {
    "EmbeddingService": embedding_service(),
    "Deployment": deployment(),
    "Service": service(),
    "Pod": pod(),
    "Namespace": {"metadata": metadata("search", labels={"team": "a"}), "spec": {"finalizers": ["kubernetes"]}},
    "Node": {
        "metadata": metadata("node-1", labels={"gpu": "a10"}),
        "status": {
            "allocatable": {"nvidia.com/gpu": "2"},
            "images": [{"names": ["x"] * 100}],
            "conditions": [condition("Ready", "True")],
        },
    },
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_new_object_is_news_and_its_bookkeeping_is_not(store: ObjectStore, kind: str) -> None:
    body = BODIES[kind]
    assert store.upsert(kind, body)
    assert not store.upsert(kind, body)
    assert not store.upsert(kind, newer(body, "metadata", "managedFields", to=[]))
    assert not store.upsert(kind, changed(body, "metadata", "resourceVersion", to="3"))


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("EmbeddingService", ("metadata", "generation"), 2),
        ("EmbeddingService", ("metadata", "labels"), {"team": "b"}),
        ("EmbeddingService", ("metadata", "annotations"), {"note": "b"}),
        ("EmbeddingService", ("metadata", "deletionTimestamp"), "2026-06-03T12:00:00Z"),
        ("EmbeddingService", ("metadata", "uid"), "another"),
        ("Deployment", ("spec", "replicas"), 9),
        ("Deployment", ("spec", "template"), {"spec": {}}),
        ("Deployment", ("metadata", "labels"), {}),
        ("Deployment", ("metadata", "ownerReferences"), []),
        ("Deployment", ("status", "readyReplicas"), 1),
        ("Deployment", ("status", "conditions"), [condition("ReplicaFailure", "True")]),
        ("Service", ("spec", "selector"), {"a": "b"}),
        ("Service", ("metadata", "annotations"), {"a": "b"}),
        ("Pod", ("metadata", "deletionTimestamp"), "2026-06-03T12:00:00Z"),
        ("Pod", ("status", "podIP"), "10.0.0.8"),
        ("Pod", ("status", "phase"), "Failed"),
        ("Pod", ("status", "conditions"), [condition("Ready", "True")]),
        ("Namespace", ("metadata", "labels"), {"team": "b"}),
        ("Node", ("status", "allocatable"), {"nvidia.com/gpu": "1"}),
        ("Node", ("spec", "unschedulable"), True),
    ],
)
def test_what_matters_is_news(store: ObjectStore, kind: str, path: tuple[str, ...], value: Any) -> None:
    store.upsert(kind, BODIES[kind])
    assert store.upsert(kind, newer(BODIES[kind], *path, to=value))


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("EmbeddingService", ("status",), {"replicas": 3}),
        ("Deployment", ("status", "conditions"), []),
        ("Namespace", ("metadata", "annotations"), {"a": "b"}),
        ("Node", ("status", "images"), []),
        ("Node", ("status", "conditions"), [condition("Ready", "True"), condition("DiskPressure", "False")]),
        ("Pod", ("spec", "containers"), []),
    ],
)
def test_what_is_never_read_is_no_news(store: ObjectStore, kind: str, path: tuple[str, ...], value: Any) -> None:
    store.upsert(kind, BODIES[kind])
    assert not store.upsert(kind, newer(BODIES[kind], *path, to=value))


def test_the_operators_own_status_is_kept_though_it_is_no_news(store: ObjectStore) -> None:
    store.upsert("EmbeddingService", embedding_service())
    assert not store.upsert("EmbeddingService", embedding_service(version=2, status={"replicas": 3}))
    kept = store.get("EmbeddingService", "search", "qwen")
    assert kept is not None
    assert kept["status"] == {"replicas": 3}


def test_an_older_version_never_replaces_a_newer_one(store: ObjectStore) -> None:
    store.upsert("Deployment", deployment(replicas=5, version=10))
    assert not store.upsert("Deployment", deployment(replicas=2, version=9))
    kept = store.get("Deployment", "search", "qwen-a10")
    assert kept is not None
    assert kept["spec"]["replicas"] == 5


def test_versions_are_compared_as_numbers(store: ObjectStore) -> None:
    store.upsert("Deployment", deployment(replicas=5, version=9))
    assert store.upsert("Deployment", deployment(replicas=2, version=10))


def test_a_recreated_object_is_another_one(store: ObjectStore) -> None:
    store.upsert("EmbeddingService", embedding_service(version=5))
    assert store.upsert("EmbeddingService", embedding_service(version=7, uid="new"))
    assert not store.remove("EmbeddingService", "search", "qwen", uid="service-uid")
    assert not store.upsert("EmbeddingService", embedding_service(version=6))
    kept = store.get("EmbeddingService", "search", "qwen")
    assert kept is not None
    assert kept["metadata"]["uid"] == "new"


def test_a_deleted_object_does_not_come_back(store: ObjectStore) -> None:
    store.upsert("Pod", pod(version=5))
    assert store.remove("Pod", "search", "qwen-a10-1", uid="qwen-a10-1-uid")
    assert not store.remove("Pod", "search", "qwen-a10-1", uid="qwen-a10-1-uid")
    assert not store.upsert("Pod", pod(version=6))
    assert store.get("Pod", "search", "qwen-a10-1") is None
    assert store.owned("Pod", namespace="search", service="qwen") == ()


def test_a_deletion_that_comes_before_the_object_counts(store: ObjectStore) -> None:
    assert not store.remove("Pod", "search", "qwen-a10-1", uid="qwen-a10-1-uid")
    assert not store.upsert("Pod", pod())


def test_objects_are_found_by_the_service_that_they_are_labelled_with(store: ObjectStore) -> None:
    store.upsert("Pod", pod("b"))
    store.upsert("Pod", pod("a"))
    store.upsert("Pod", without_label(pod("stranger"), "embedding-operator.io/service"))
    store.upsert("Pod", without_label(pod("imitation"), "app.kubernetes.io/managed-by"))
    owned = store.owned("Pod", namespace="search", service="qwen")
    assert [body["metadata"]["name"] for body in owned] == ["a", "b"]
    assert store.owned("Pod", namespace="other", service="qwen") == ()
    assert store.service_of("Pod", "search", "a") == "qwen"
    assert store.service_of("Pod", "search", "stranger") is None
    assert store.service_of("Pod", "search", "nobody") is None


def test_an_object_that_loses_its_label_leaves_its_service(store: ObjectStore) -> None:
    store.upsert("Pod", pod())
    assert store.upsert("Pod", newer(pod(), "metadata", "labels", to={}))
    assert store.owned("Pod", namespace="search", service="qwen") == ()


def test_a_full_list_repairs_what_the_watches_missed(store: ObjectStore) -> None:
    for each in (pod("stays"), pod("vanished"), pod("changed")):
        store.upsert("Pod", each)
    listed = [pod("stays"), pod("changed", version=8, address="10.0.0.9"), pod("missed", version=9)]
    changes = store.replace_all("Pod", listed, resource_version="10")
    assert changes == {Change(ObjectKey("Pod", "search", name), "qwen") for name in ("vanished", "changed", "missed")}
    assert {body["metadata"]["name"] for body in store.all("Pod")} == {"stays", "changed", "missed"}


def test_what_is_newer_than_the_list_survives_it(store: ObjectStore) -> None:
    store.upsert("Pod", pod("new", version=11))
    store.upsert("Pod", pod("updated", version=12, address="10.0.0.9"))
    assert store.replace_all("Pod", [pod("updated", version=3)], resource_version="10") == frozenset()
    assert {body["metadata"]["resourceVersion"] for body in store.all("Pod")} == {"11", "12"}


def test_what_was_deleted_while_the_list_was_read_stays_deleted(store: ObjectStore) -> None:
    store.upsert("Pod", pod())
    store.remove("Pod", "search", "qwen-a10-1", uid="qwen-a10-1-uid")
    assert store.replace_all("Pod", [pod()], resource_version="10") == frozenset()


def test_a_server_restored_from_a_backup_is_believed(store: ObjectStore) -> None:
    store.replace_all("Pod", [pod(version=900), pod("later", version=950)], resource_version="1000")
    store.remove("Pod", "search", "later", uid="later-uid")
    store.replace_all("Pod", [pod(version=90), pod("later", version=80)], resource_version="100")
    assert {body["metadata"]["resourceVersion"] for body in store.all("Pod")} == {"90", "80"}
    assert len(store.owned("Pod", namespace="search", service="qwen")) == 2


def test_large_parts_that_are_never_read_are_not_kept(store: ObjectStore) -> None:
    store.upsert("Pod", pod())
    store.upsert("Deployment", deployment())
    for kind, name in (("Pod", "qwen-a10-1"), ("Deployment", "qwen-a10")):
        kept = store.get(kind, "search", name)
        assert kept is not None
        assert "managedFields" not in kept["metadata"]
        assert not {"containers", "template"} & kept["spec"].keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "replicas"), 9),
        (("spec", "template", "spec", "containers"), []),
        (("metadata", "labels"), {}),
        (("metadata", "annotations"), {"by": "hand"}),
        (("metadata", "ownerReferences"), []),
    ],
)
def test_an_edit_changes_the_fingerprint(store: ObjectStore, path: tuple[str, ...], value: Any) -> None:
    assert fingerprint_after(store, *path, to=value) != fingerprint_after(ObjectStore(), "spec", "replicas", to=2)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status", "readyReplicas"), 0),
        (("metadata", "annotations"), {"deployment.kubernetes.io/revision": "2"}),
        (("metadata", "managedFields"), []),
        (("metadata", "generation"), 7),
    ],
)
def test_what_controllers_write_does_not(store: ObjectStore, path: tuple[str, ...], value: Any) -> None:
    assert fingerprint_after(store, *path, to=value) == fingerprint_after(ObjectStore(), "spec", "replicas", to=2)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ConfigMap", {"data": {"haproxy.cfg": "global"}}),
        ("RoleBinding", {"roleRef": {"name": "gateway"}}),
        ("RoleBinding", {"subjects": [{"name": "somebody"}]}),
        ("ServiceAccount", {"automountServiceAccountToken": True}),
    ],
)
def test_an_edit_of_a_kind_without_a_spec_changes_the_fingerprint(kind: str, said: dict[str, Any]) -> None:
    digests = []
    for body in ({}, said):
        store = ObjectStore()
        store.upsert(kind, {"metadata": metadata("qwen-gateway"), **body})
        digests.append(store.fingerprint(ObjectKey(kind, "search", "qwen-gateway")))
    assert digests[0] != digests[1]


def test_a_list_leaves_the_kind_out_and_the_fingerprint_as_it_was(store: ObjectStore) -> None:
    key = ObjectKey("ConfigMap", "search", "qwen-gateway")
    body = {"metadata": metadata("qwen-gateway"), "data": {"a": "b"}}
    store.upsert("ConfigMap", {"apiVersion": "v1", "kind": "ConfigMap", **body})
    before = store.fingerprint(key)
    store.upsert("ConfigMap", body)
    assert store.fingerprint(key) == before


def fingerprint_after(store: ObjectStore, *path: str, to: Any) -> str:
    store.upsert("Deployment", deployment())
    store.upsert("Deployment", newer(deployment(), *path, to=to))
    digest = store.fingerprint(ObjectKey("Deployment", "search", "qwen-a10"))
    assert digest is not None
    return digest


def test_only_children_have_a_fingerprint(store: ObjectStore) -> None:
    store.upsert("Pod", pod())
    assert store.fingerprint(ObjectKey("Pod", "search", "qwen-a10-1")) is None
    assert store.fingerprint(ObjectKey("Deployment", "search", "unknown")) is None


events = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30), st.sampled_from("ud")), max_size=30)


@given(events, st.randoms(use_true_random=False))
def test_the_order_of_news_does_not_matter(news: list[tuple[str, int, str]], random: Any) -> None:
    """A version of a name is either an update or a deletion, and every name is deleted at most once under one UID."""
    unique = {(name, version): what for name, version, what in news}
    deleted = {name for (name, _), what in unique.items() if what == "d"}
    shuffled = list(unique)
    random.shuffle(shuffled)
    store = ObjectStore()
    for name, version in shuffled:
        if unique[name, version] == "u":
            store.upsert("Pod", pod(name, version=version))
        else:
            store.remove("Pod", "search", name, uid=f"{name}-uid")
    newest = {name: max(version for other, version in unique if other == name) for name, _ in unique}
    kept = {body["metadata"]["name"]: int(body["metadata"]["resourceVersion"]) for body in store.all("Pod")}
    assert kept == {name: version for name, version in newest.items() if name not in deleted}
    assert [body["metadata"]["name"] for body in store.owned("Pod", namespace="search", service="qwen")] == sorted(kept)
