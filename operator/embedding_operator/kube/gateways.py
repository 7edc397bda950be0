"""The gateway of a service as the store knows it: its pods, its NetworkPolicy, and where the Service leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.domain.gateway_routing import RoutePhase, RouteState, RoutingInput
from embedding_operator.kube.instants import instant
from embedding_operator.kube.ownership import is_owned_by
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.resources import NETWORK_POLICY, POD, SERVICE
from embedding_operator.kube.store import ObjectStore
from embedding_operator.kube.stuck import stuck
from embedding_operator.rendering import names

STARTUP_SECONDS = 60.0
"""How long the start of a gateway pod takes, with its image to be pulled; one that takes twice as long is stuck."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """Reads from the store alone, so it costs no request."""

    store: ObjectStore

    def routing_input(
        self, service: ServiceObject, gateway: GatewaySpec, *, engines_ready: int, now: datetime
    ) -> RoutingInput:
        """Return what the way of requests to `service` depends on; `gateway` is what it asks for."""
        pods = [body for body in self._pods(service) if not _is_over(body)]
        keys = gateway.api_keys_secret_ref
        return RoutingInput(
            now=now,
            wanted=gateway.enabled,
            pods_wanted=gateway.replicas,
            pods_ready=sum(1 for body in pods if _is_ready(body)),
            engines_ready=engines_ready,
            state=self.state(service),
            restricted=self._owned(NETWORK_POLICY.kind, service, name=names.engines_name(service.name)) is not None,
            pod_problem=next(filter(None, (_obstacle(body, now=now) for body in pods)), None),
            keys_source=None if keys is None else keys.name,
        )

    def _pods(self, service: ServiceObject) -> list[Body]:
        bodies = self.store.owned(POD.kind, namespace=service.namespace, service=service.name)
        return [
            body
            for body in bodies
            if body["metadata"]["labels"].get(names.COMPONENT) == names.GATEWAY
            # Not left over from an earlier service of this name.
            and instant(body["metadata"]["creationTimestamp"]) >= service.created_at
        ]

    def state(self, service: ServiceObject) -> RouteState | None:
        """Return what the Service of `service` says; None where there is none yet."""
        body = self._owned(SERVICE.kind, service, name=service.name)
        return None if body is None else route_state_of(body["metadata"].get("annotations") or {})

    def _owned(self, kind: str, service: ServiceObject, *, name: str) -> Body | None:
        body = self.store.get(kind, service.namespace, name)
        return body if body is not None and is_owned_by(body, uid=service.uid) else None


def route_state_of(annotations: Mapping[str, str]) -> RouteState:
    """Return what the annotations of a Service say; those that nobody can read say what no annotations say."""
    try:
        phase = RoutePhase(annotations.get(names.ROUTE, RoutePhase.ENGINES))
        since = instant(annotations[names.ROUTE_SINCE]) if names.ROUTE_SINCE in annotations else None
    except (ValueError, OverflowError):
        return RouteState(phase=RoutePhase.ENGINES, since=None)
    return RouteState(phase=phase, since=since)


def _obstacle(body: Body, *, now: datetime) -> str | None:
    found = stuck(body, now=now, startup_seconds=STARTUP_SECONDS)
    if found is None:
        return None
    # How long a pod is overdue is another text at every look, and every text is a write.
    return f"{body['metadata']['name']} takes long" if found.reason is Reason.START_OVERDUE else found.message


def _is_over(body: Body) -> bool:
    return "deletionTimestamp" in body["metadata"] or body["status"].get("phase") in ("Failed", "Succeeded")


def _is_ready(body: Body) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in body["status"]["conditions"])
