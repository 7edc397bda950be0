"""From a service to the objects that run it: a Deployment per pool, its gateway, one Service, and what protects them.

Equal input gives equal output. The pod template depends only on the spec and the `GPUPool`, so that only a change of
these rolls the pods; replicas, the owner and other pools do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.pools import PoolSpec
from embedding_operator.domain.gateway_routing import ENGINES_ONLY, Route, RouteState
from embedding_operator.domain.model.resolution import ResolvedModel, resolve_model
from embedding_operator.rendering import names
from embedding_operator.rendering.child import ServiceRef, rendered
from embedding_operator.rendering.gateway_defaults import GatewayDefaults
from embedding_operator.rendering.gateway_objects import gateway_objects
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.network_policies import engines_policy
from embedding_operator.rendering.pod import engine_values, pod_values

__all__ = ["EngineDefaults", "GatewayDefaults", "ServiceRef", "render_service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineDefaults:
    """What engines get from the operator's installation. `user` is None if the platform assigns users to pods."""

    image: str
    user: int | None = 65532


def render_service(
    service: ServiceRef,
    spec: EmbeddingServiceSpec,
    *,
    pools: Mapping[str, GPUPoolSpec],
    replicas: Mapping[str, int],
    route: Route,
    settings: EngineDefaults,
    gateway: GatewayDefaults,
    connection_limit: int | None = None,
) -> tuple[Manifest, ...]:
    """Return the children of a service in the order in which to write them: first what serves, then the route to it.

    `connection_limit` is the learned number of requests that a gateway pod should send to one engine at once.
    `replicas` is by pool; a pool that is not in it gets none. A pool without a `GPUPool` gets no Deployment: its
    requirements are unknown, and `domain.admission` reports it.
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
    return (
        *deployments,
        *(
            gateway_objects(
                service, spec, defaults=gateway, user=settings.user, learned_connection_limit=connection_limit
            )
            if route.gateway
            else ()
        ),
        _service(service, route=route),
        _disruption_budget(service),
        *((engines_policy(service, spec.model, defaults=gateway),) if route.restricted else ()),
    )


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
    return rendered(
        "deployment.yaml.j2",
        service,
        name=names.deployment_name(service.name, pool=entry.gpu_pool),
        labels=names.pool_labels(service.name, pool=entry.gpu_pool),
        selector=names.pool_selector(service.name, pool=entry.gpu_pool),
        replicas=replicas,
        pod=pod_values(service.name, spec, entry=entry, gpu=gpu, model=model, user=settings.user),
        engine=engine_values(service.namespace, spec, entry=entry, gpu=gpu, model=model, default_image=settings.image),
        port=names.PORT,
        port_name=names.PORT_NAME,
    )


def _service(service: ServiceRef, *, route: Route) -> Manifest:
    select = names.gateway_selector if route.selects_gateway else names.service_selector
    return rendered(
        "service.yaml.j2",
        service,
        name=service.name,
        labels=names.service_labels(service.name),
        annotations=_annotations(route.state),
        selector=select(service.name),
        service_port=names.SERVICE_PORT,
        port_name=names.PORT_NAME,
    )


def _annotations(state: RouteState) -> dict[str, str]:
    if state == ENGINES_ONLY.state:
        return {}
    since = {} if state.since is None else {names.ROUTE_SINCE: state.since.isoformat()}
    return {names.ROUTE: state.phase, **since}


def _disruption_budget(service: ServiceRef) -> Manifest:
    return rendered(
        "poddisruptionbudget.yaml.j2",
        service,
        name=service.name,
        labels=names.service_labels(service.name),
        selector=names.service_selector(service.name),
    )
