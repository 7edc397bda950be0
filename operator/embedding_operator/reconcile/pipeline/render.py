"""Render: the children of a service, rendered again only when their input changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from embedding_operator.domain.gateway_routing import Route
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.reconcile.pipeline.validate import Prepared
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults, ServiceRef, render_service


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    prepared: Prepared
    replicas: Mapping[str, int]
    route: Route
    connection_limit: int | None
    manifests: tuple[Manifest, ...]


class Renderings:
    """The rendered children of all services."""

    def __init__(self, engine: EngineDefaults, *, gateway: GatewayDefaults) -> None:
        self._engine = engine
        self._gateway = gateway
        self._rendered: dict[str, _Rendered] = {}

    def manifests(
        self,
        service: ServiceObject,
        prepared: Prepared,
        *,
        replicas: Mapping[str, int],
        route: Route,
        connection_limit: int | None,
    ) -> tuple[Manifest, ...]:
        """Return the children of `service` with `replicas` by pool, reached through `route`.

        `connection_limit` is the learned number of requests that an engine should get at once.
        """
        known = self._rendered.get(service.uid)
        asked = (replicas, route, connection_limit)
        if (
            known is not None
            and known.prepared is prepared
            and (known.replicas, known.route, known.connection_limit) == asked
        ):
            return known.manifests
        manifests = render_service(
            ServiceRef(namespace=service.namespace, name=service.name, uid=service.uid),
            prepared.spec,
            pools=prepared.pools,
            replicas=replicas,
            route=route,
            connection_limit=connection_limit,
            settings=self._engine,
            gateway=self._gateway,
        )
        self._rendered[service.uid] = _Rendered(
            prepared=prepared, replicas=replicas, route=route, connection_limit=connection_limit, manifests=manifests
        )
        return manifests

    def forget(self, uid: str) -> None:
        """Drop what is remembered about a service that is gone."""
        self._rendered.pop(uid, None)
