"""From a service to the objects that run it: a Deployment per pool, one Service and one PodDisruptionBudget.

Equal input gives equal output. The pod template depends on the spec and on the `GPUPool` alone, so that only a change
there rolls the pods; replicas, the owner and other pools do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedding_operator.api.v1alpha1.base import API_VERSION
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.pools import PoolSpec
from embedding_operator.domain.resolution import ResolvedModel, resolve_model
from embedding_operator.rendering import names, template
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.pod import engine_values, pod_values


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRef:
    """The EmbeddingService that owns what is rendered."""

    namespace: str
    name: str
    uid: str

    def owner_references(self) -> list[dict[str, Any]]:
        """Return the reference that makes the service the controller of a child."""
        return [
            {
                "apiVersion": API_VERSION,
                "kind": "EmbeddingService",
                "name": self.name,
                "uid": self.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDefaults:
    """What the operator is installed with. `user` is None where the platform gives pods their user."""

    image: str
    user: int | None = 65532


def render_service(
    service: ServiceRef,
    spec: EmbeddingServiceSpec,
    *,
    pools: Mapping[str, GPUPoolSpec],
    replicas: Mapping[str, int],
    settings: EngineDefaults,
) -> tuple[Manifest, ...]:
    """Return the children of a service, Deployments in the order of `spec.pools` first.

    `replicas` is by pool; a pool that is not in it gets none. A pool without a `GPUPool` gets no Deployment: what it
    needs is not known, and `domain.admission` reports it.
    """
    model = resolve_model(service.name, spec, pools)
    deployments = [
        _deployment(
            service,
            spec,
            entry=entry,
            gpu=pools[entry.gpu_pool],
            model=model,
            replicas=replicas.get(entry.gpu_pool, 0),
            settings=settings,
        )
        for entry in spec.pools
        if entry.gpu_pool in pools
    ]
    return (*deployments, _service(service), _disruption_budget(service))


def _deployment(
    service: ServiceRef,
    spec: EmbeddingServiceSpec,
    *,
    entry: PoolSpec,
    gpu: GPUPoolSpec,
    model: ResolvedModel,
    replicas: int,
    settings: EngineDefaults,
) -> Manifest:
    return _rendered(
        "deployment.yaml.j2",
        service,
        name=names.deployment_name(service.name, pool=entry.gpu_pool),
        labels=names.pool_labels(service.name, pool=entry.gpu_pool),
        selector=names.pool_selector(service.name, pool=entry.gpu_pool),
        replicas=replicas,
        pod=pod_values(service.name, spec, entry=entry, gpu=gpu, model=model, user=settings.user),
        engine=engine_values(spec, entry=entry, gpu=gpu, model=model, default_image=settings.image),
        port=names.PORT,
        port_name=names.PORT_NAME,
    )


def _service(service: ServiceRef) -> Manifest:
    return _rendered(
        "service.yaml.j2",
        service,
        name=service.name,
        labels=names.service_labels(service.name),
        selector=names.service_selector(service.name),
        service_port=names.SERVICE_PORT,
        port_name=names.PORT_NAME,
    )


def _disruption_budget(service: ServiceRef) -> Manifest:
    return _rendered(
        "poddisruptionbudget.yaml.j2",
        service,
        name=service.name,
        labels=names.service_labels(service.name),
        selector=names.service_selector(service.name),
    )


def _rendered(name: str, service: ServiceRef, /, **values: object) -> Manifest:
    owners = service.owner_references()
    return Manifest.of(template.render(name, namespace=service.namespace, owners=owners, **values))
