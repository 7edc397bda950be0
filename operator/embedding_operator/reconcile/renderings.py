"""Render: the children of a service, again only when what they are made of changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedding_operator.domain.routing import Route
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.reconcile.preparation import Prepared
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults, ServiceRef, render_service


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    prepared: Prepared
    replicas: Mapping[str, int]
    route: Route
    manifests: tuple[Manifest, ...]


class Renderings:
    """The rendered children of all services."""

    def __init__(self, engine: EngineDefaults, *, gateway: GatewayDefaults) -> None:
        self._engine = engine
        self._gateway = gateway
        self._rendered: dict[str, _Rendered] = {}

    def manifests(
        self, service: ServiceObject, prepared: Prepared, *, replicas: Mapping[str, int], route: Route
    ) -> tuple[Manifest, ...]:
        """Return the children of `service` with `replicas` by pool, reached by `route`."""
        known = self._rendered.get(service.uid)
        if known is not None and known.prepared is prepared and (known.replicas, known.route) == (replicas, route):
            return known.manifests
        manifests = render_service(
            ServiceRef(namespace=service.namespace, name=service.name, uid=service.uid),
            prepared.spec,
            pools=prepared.pools,
            replicas=replicas,
            route=route,
            settings=self._engine,
            gateway=self._gateway,
        )
        self._rendered[service.uid] = _Rendered(prepared=prepared, replicas=replicas, route=route, manifests=manifests)
        return manifests

    def forget(self, uid: str) -> None:
        """Drop what is remembered of a service that is gone."""
        self._rendered.pop(uid, None)
