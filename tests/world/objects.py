"""Objects as the API server sends them."""

from datetime import datetime, timedelta
from typing import Any

from embedding_operator.kube.metadata import TEMPLATE_HASH, rfc3339_micro
from embedding_operator.rendering.names import GPU_POOL, gateway_labels, pool_labels, service_labels

from tests.world.builders import NOON

Body = dict[str, Any]

SERVICE_UID = "service-uid"
HASH = "5d8f9c7b6d"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(seconds: float) -> datetime:
    return NOON - timedelta(seconds=seconds)


def metadata(name: str, *, version: int = 1, uid: str | None = None, **fields: Any) -> Body:
    return {
        "name": name,
        "namespace": "search",
        "uid": uid or f"{name}-uid",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": stamp(ago(3600)),
        "managedFields": [{"manager": "somebody", "time": rfc3339_micro(NOON)}],
        **fields,
    }


def embedding_service(*, version: int = 1, uid: str = SERVICE_UID, status: Body | None = None, **fields: Any) -> Body:
    return {
        "apiVersion": "embedding-operator.io/v1alpha1",
        "kind": "EmbeddingService",
        "metadata": metadata("qwen", version=version, uid=uid, **fields),
        "spec": {"model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}}},
        **({"status": status} if status is not None else {}),
    }


def namespace(name: str = "search", *, version: int = 1, **fields: Any) -> Body:
    meta = metadata(name, version=version, **fields)
    del meta["namespace"]
    phase = "Terminating" if "deletionTimestamp" in fields else "Active"
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": phase}}


def gpu_pool(name: str = "a10", *, version: int = 1, **fields: Any) -> Body:
    meta = metadata(name, version=version, **fields)
    del meta["namespace"]
    return {
        "apiVersion": "embedding-operator.io/v1alpha1",
        "kind": "GPUPool",
        "metadata": meta,
        "spec": {"nodeSelector": {"gpu": name}, "computeCapability": "8.6", "memoryGiB": 22},
    }


def owned_by(uid: str = SERVICE_UID, *, kind: str = "EmbeddingService", name: str = "qwen") -> list[Body]:
    return [{"apiVersion": "x/v1", "kind": kind, "name": name, "uid": uid, "controller": True}]


def deployment(
    pool: str = "a10", *, replicas: int = 2, version: int = 1, owner: str = SERVICE_UID, **fields: Any
) -> Body:
    meta: Body = {"labels": pool_labels("qwen", pool=pool), "ownerReferences": owned_by(owner)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(f"qwen-{pool}", version=version, **(meta | fields)),
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "engine", "image": "sglang"}]}}},
        "status": {"observedGeneration": 1, "replicas": replicas, "readyReplicas": replicas, "conditions": []},
    }


def service(*, version: int = 1, **fields: Any) -> Body:
    meta: Body = {"labels": service_labels("qwen"), "ownerReferences": owned_by()}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("qwen", version=version, uid="svc-uid", **(meta | fields)),
        "spec": {"ports": [{"port": 80}]},
    }


def condition(kind: str, status: str, *, since: datetime = NOON, **fields: str) -> Body:
    return {"type": kind, "status": status, "lastTransitionTime": stamp(since), **fields}


def container(**fields: Any) -> Body:
    return {"name": "engine", "image": "sglang", "ready": False, "restartCount": 0, "state": {}, **fields}


def waiting(reason: str, message: str = "") -> Body:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def pod(
    name: str = "qwen-a10-1",
    *,
    pool: str = "a10",
    version: int = 1,
    ready: datetime | None = None,
    created: datetime | None = None,
    conditions: list[Body] | None = None,
    containers: list[Body] | None = None,
    phase: str = "Running",
    address: str | None = "10.0.0.7",
    **fields: Any,
) -> Body:
    created = created or ago(600)
    if conditions is None:
        state = condition("Ready", "True", since=ready) if ready else condition("Ready", "False", since=created)
        conditions = [condition("PodScheduled", "True", since=created), state]
    meta: Body = {
        "labels": pool_labels("qwen", pool=pool) | {TEMPLATE_HASH: HASH},
        "ownerReferences": [replica_set(f"qwen-{pool}")],
        "creationTimestamp": stamp(created),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(name, version=version, **(meta | fields)),
        "spec": {"nodeName": "node-1", "containers": [{"name": "engine", "env": ["long"] * 50}]},
        "status": {
            "phase": phase,
            **({"podIP": address} if address else {}),
            "conditions": conditions,
            "containerStatuses": containers if containers is not None else [container(ready=ready is not None)],
        },
    }


def gateway_pod(name: str = "qwen-gateway-1", **fields: Any) -> Body:
    labels = gateway_labels("qwen") | {TEMPLATE_HASH: HASH}
    return pod(name, **{"labels": labels, "ownerReferences": [replica_set("qwen-gateway")], **fields})


def replica_set(deployment: str) -> Body:
    """Return the reference to the controller of a pod of `deployment`."""
    name = f"{deployment}-{HASH}"
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": f"{name}-uid", "controller": True}


def without_label(body: Body, label: str = GPU_POOL) -> Body:
    labels = {key: value for key, value in body["metadata"]["labels"].items() if key != label}
    return {**body, "metadata": {**body["metadata"], "labels": labels}}


def changed(body: Body, *path: str, to: Any) -> Body:
    """Return a copy of `body` with another value at `path`."""
    head, *rest = path
    return {**body, head: changed(body.get(head) or {}, *rest, to=to) if rest else to}
