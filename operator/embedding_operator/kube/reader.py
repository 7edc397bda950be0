"""Typed views of the store: services, and the pools and pods that serve them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.observation import Replica
from embedding_operator.gateway_contract import METRICS_PORT
from embedding_operator.kube.errors import refusal_reason
from embedding_operator.kube.metadata import Body, instant, is_owned_by, is_pod_of
from embedding_operator.kube.resources import DEPLOYMENT, EMBEDDING_SERVICE, NAMESPACE, POD
from embedding_operator.kube.store import ObjectStore
from embedding_operator.kube.stuck import Stuck, stuck
from embedding_operator.rendering.names import (
    COMPONENT,
    GATEWAY,
    GPU_POOL,
    PORT,
    REQUIRED_KEYS,
    deployment_name,
    gateway_name,
)

GATEWAY_STARTUP_SECONDS = 60.0
"""Startup time of a gateway pod, including the image pull; a pod that takes over twice as long is stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceObject:
    """An EmbeddingService as stored; `spec` and `status` are not validated yet."""

    namespace: str
    name: str
    uid: str
    created_at: datetime
    generation: int
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    deleting: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PodObject:
    """One engine pod that is neither terminating nor finished. `endpoint` is its engine's base URL, once known."""

    replica: Replica
    pool: str
    endpoint: str | None
    stuck: Stuck | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPod:
    """One gateway pod that has not finished. A terminating pod is not Ready, but may still hold requests.

    `endpoint` is the base URL of HAProxy's exporter, once known; `problem` is what keeps the pod from becoming Ready.
    `required_keys` names the Secret whose API keys the pod requires, None if it requires none.
    """

    uid: str
    endpoint: str | None
    is_ready: bool
    is_terminating: bool = False
    problem: str | None = None
    required_keys: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the cluster does not let a Deployment create its pods; `reason` is None if waiting may be enough."""

    reason: Reason | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolObject:
    """The Deployment of one pool, and its pods. `refusal` is set while pods cannot be created.

    `unseen` is how many pods are Ready by the Deployment's own count but not among `pods`: these are read by another
    watch, which may be behind.
    """

    pool: str
    replicas: int
    pods: tuple[PodObject, ...]
    refusal: Refusal | None
    unseen: int = 0


class Reader:
    """Reads from the store alone, without any request."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def services(self) -> tuple[ServiceObject, ...]:
        """Return every EmbeddingService."""
        return tuple(_service(body) for body in self._store.all(EMBEDDING_SERVICE.kind))

    def service(self, namespace: str, name: str) -> ServiceObject | None:
        """Return one EmbeddingService, or None if it does not exist."""
        body = self._store.get(EMBEDDING_SERVICE.kind, namespace, name)
        return None if body is None else _service(body)

    def namespace_is_ending(self, namespace: str) -> bool:
        """Return whether a namespace is terminating: nothing can be created in it, and its content is being deleted."""
        body = self._store.get(NAMESPACE.kind, "", namespace)
        return body is not None and "deletionTimestamp" in body["metadata"]

    def pools(
        self, service: ServiceObject, *, now: datetime, startup_seconds: Callable[[str], float]
    ) -> tuple[PoolObject, ...]:
        """Return the pools on which `service` has a Deployment, sorted by name; `startup_seconds` takes a pool."""
        pods = self._pods(service, now=now, startup_seconds=startup_seconds)
        deployments = (
            body
            for body in self._store.owned(DEPLOYMENT.kind, namespace=service.namespace, service=service.name)
            if is_owned_by(body, uid=service.uid) and GPU_POOL in body["metadata"]["labels"]
        )
        pools = (_pool(body, pods=pods) for body in deployments)
        return tuple(sorted(pools, key=lambda pool: pool.pool))

    def gateway_pods(self, service: ServiceObject, *, now: datetime) -> tuple[GatewayPod, ...]:
        """Return the gateway pods of `service` that have not finished, sorted by name."""
        bodies = self._store.owned(POD.kind, namespace=service.namespace, service=service.name)
        return tuple(
            _gateway_pod(body, now=now)
            for body in bodies
            if body["metadata"]["labels"].get(COMPONENT) == GATEWAY
            and _is_of(body, service=service, deployment=gateway_name(service.name))
            and not _is_over(body)
        )

    def _pods(
        self, service: ServiceObject, *, now: datetime, startup_seconds: Callable[[str], float]
    ) -> tuple[PodObject, ...]:
        bodies = self._store.owned(POD.kind, namespace=service.namespace, service=service.name)
        return tuple(
            _pod(body, now=now, startup_seconds=startup_seconds(body["metadata"]["labels"][GPU_POOL]))
            for body in bodies
            if GPU_POOL in body["metadata"]["labels"] and _serves(body, service=service)
        )


def _service(body: Body) -> ServiceObject:
    metadata = body["metadata"]
    return ServiceObject(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        created_at=instant(metadata["creationTimestamp"]),
        generation=metadata.get("generation", 0),
        labels=metadata.get("labels") or {},
        spec=body.get("spec") or {},
        status=body.get("status") or {},
        deleting="deletionTimestamp" in metadata,
    )


def _serves(body: Body, *, service: ServiceObject) -> bool:
    """Return whether a pod counts: it is not terminating, and a replica of this service on the pool that it names."""
    deployment = deployment_name(service.name, pool=body["metadata"]["labels"][GPU_POOL])
    is_replica = _is_of(body, service=service, deployment=deployment)
    return is_replica and "deletionTimestamp" not in body["metadata"] and not _is_over(body)


def _is_of(body: Body, *, service: ServiceObject, deployment: str) -> bool:
    """Return whether a pod is of `deployment`, and not left over from an earlier service of this name."""
    return (
        is_pod_of(body, deployment=deployment) and instant(body["metadata"]["creationTimestamp"]) >= service.created_at
    )


def _is_over(body: Body) -> bool:
    return body["status"].get("phase") in ("Failed", "Succeeded")


def _pod(body: Body, *, now: datetime, startup_seconds: float) -> PodObject:
    metadata, status = body["metadata"], body["status"]
    obstacle = stuck(body, now=now, startup_seconds=startup_seconds)
    return PodObject(
        replica=Replica(
            uid=metadata["uid"],
            name=metadata["name"],
            created_at=instant(metadata["creationTimestamp"]),
            ready_since=_ready_since(body),
            stuck=None if obstacle is None else obstacle.reason,
        ),
        pool=metadata["labels"][GPU_POOL],
        endpoint=_endpoint(status.get("podIP"), port=PORT),
        stuck=obstacle,
    )


def _ready_since(body: Body) -> datetime | None:
    ready = next((each for each in body["status"]["conditions"] if each["type"] == "Ready"), None)
    if ready is None or ready["status"] != "True":
        return None
    return instant(ready["lastTransitionTime"])


def _gateway_pod(body: Body, *, now: datetime) -> GatewayPod:
    is_terminating = "deletionTimestamp" in body["metadata"]
    return GatewayPod(
        uid=body["metadata"]["uid"],
        endpoint=_endpoint(body["status"].get("podIP"), port=METRICS_PORT),
        is_ready=_ready_since(body) is not None and not is_terminating,
        is_terminating=is_terminating,
        problem=_gateway_problem(body, now=now),
        required_keys=(body["metadata"].get("annotations") or {}).get(REQUIRED_KEYS),
    )


def _gateway_problem(body: Body, *, now: datetime) -> str | None:
    found = stuck(body, now=now, startup_seconds=GATEWAY_STARTUP_SECONDS)
    if found is None:
        return None
    # How long a pod is overdue would change the text at every reconcile, and every new text is a write.
    return (
        f"{body['metadata']['name']} takes too long to start" if found.reason is Reason.START_OVERDUE else found.message
    )


def _endpoint(address: str | None, *, port: int) -> str | None:
    if address is None:
        return None
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}"


def _pool(body: Body, *, pods: Iterable[PodObject]) -> PoolObject:
    name = body["metadata"]["labels"][GPU_POOL]
    own = tuple(pod for pod in pods if pod.pool == name)
    known = sum(1 for pod in own if pod.replica.ready_since is not None)
    return PoolObject(
        pool=name,
        replicas=body["spec"].get("replicas", 1),
        pods=own,
        refusal=_refusal(body),
        unseen=max(0, body["status"].get("readyReplicas", 0) - known),
    )


def _refusal(body: Body) -> Refusal | None:
    """Return what a quota, Pod Security or another admission check says about the pods of a Deployment."""
    for condition in body["status"]["conditions"]:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            message = condition.get("message", "pods cannot be created")
            status = 403 if "forbidden" in message else 500
            return Refusal(reason=refusal_reason(status=status, message=message), message=message)
    return None
