"""Objects on the API server, and children as the renderer creates them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from embedding_operator.api.v1alpha1.base import API_VERSION
from embedding_operator.kube.client import Answered, Body, Client
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE, Resource
from embedding_operator.kube.store import ObjectStore
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.names import pool_labels, service_labels
from embedding_operator.rendering.renderer import ServiceRef

WRITES = {"create", "update", "patch", "delete"}


def now() -> datetime:
    return datetime.now(UTC)


def unique(name: str) -> str:
    return f"{name}-{uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Place:
    """The namespace of one test, the client, and every request that the client made."""

    client: Client
    namespace: str
    requests: list[Answered]

    def writes(self) -> list[str]:
        """Return the writes so far, as `verb resource code`, and forget them."""
        made = [f"{each.verb} {each.resource} {each.code}" for each in self.requests if each.verb in WRITES]
        self.requests.clear()
        return made

    async def live(self, resource: Resource, name: str) -> Body:
        return await self.client.get(resource, name=name, namespace=self.namespace)

    async def edit(self, resource: Resource, name: str, patch: Body) -> Body:
        """Change an object as another client would."""
        return await self.client.merge(resource, patch, name=name, namespace=self.namespace)

    async def delete(self, resource: Resource, name: str) -> None:
        metadata = (await self.live(resource, name))["metadata"]
        await self.client.delete(
            resource,
            namespace=self.namespace,
            name=name,
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )

    async def service(self, store: ObjectStore, *, name: str = "qwen") -> ServiceObject:
        """Create an EmbeddingService and return it as the reader sees it."""
        body = await self.client.create(
            EMBEDDING_SERVICE,
            {
                "apiVersion": API_VERSION,
                "kind": EMBEDDING_SERVICE.kind,
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {
                    "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}},
                    "pools": [{"gpuPool": "no-such-pool", "maxReplicas": 1}],
                },
            },
        )
        store.upsert(EMBEDDING_SERVICE.kind, body)
        service = Reader(store).service(self.namespace, name)
        assert service is not None
        return service


def owners(service: ServiceObject) -> list[dict[str, Any]]:
    return ServiceRef(namespace=service.namespace, name=service.name, uid=service.uid).owner_references()


def deployment(
    service: ServiceObject, pool: str = "a10", *, replicas: int = 0, labels: Mapping[str, str] | None = None
) -> Manifest:
    selector = {"app": f"{service.name}-{pool}"}
    all_labels = {**pool_labels(service.name, pool=pool), **selector, **(labels or {})}
    return Manifest.of(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": f"{service.name}-{pool}",
                "namespace": service.namespace,
                "labels": all_labels,
                "ownerReferences": owners(service),
            },
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": selector},
                "template": {
                    "metadata": {"labels": all_labels},
                    "spec": {"containers": [{"name": "engine", "image": "example.invalid/sglang"}]},
                },
            },
        }
    )


def front(service: ServiceObject, *, name: str | None = None, port: int = 80) -> Manifest:
    return Manifest.of(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                "name": name or service.name,
                "namespace": service.namespace,
                "labels": service_labels(service.name),
                "ownerReferences": owners(service),
            },
            "spec": {"selector": {"app": service.name}, "ports": [{"name": "http", "port": port}]},
        }
    )
