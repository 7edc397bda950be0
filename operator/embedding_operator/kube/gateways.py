"""The gateway of a service as the store has it: its pods, its NetworkPolicy, and what the Service selects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.domain.gateway_routing import RoutePhase, RouteState, RoutingInput
from embedding_operator.kube.metadata import Body, instant, is_owned_by
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.kube.resources import NETWORK_POLICY, SERVICE
from embedding_operator.kube.store import ObjectStore
from embedding_operator.rendering import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """Reads from the store alone, without any request."""

    store: ObjectStore
    reader: Reader

    def routing_input(
        self, service: ServiceObject, gateway: GatewaySpec, *, engines_ready: int, now: datetime
    ) -> RoutingInput:
        """Return what the route of requests to `service` depends on; `gateway` is its `spec.gateway`."""
        pods = [pod for pod in self.reader.gateway_pods(service, now=now) if not pod.is_terminating]
        keys = None if gateway.api_keys_secret_ref is None else gateway.api_keys_secret_ref.name
        return RoutingInput(
            now=now,
            wanted=gateway.enabled,
            pods_wanted=gateway.replicas,
            pods_ready=sum(1 for pod in pods if pod.is_ready),
            engines_ready=engines_ready,
            state=self.state(service),
            restricted=self._owned(NETWORK_POLICY.kind, service, name=names.engines_name(service.name)) is not None,
            pod_problem=next((pod.problem for pod in pods if pod.problem is not None), None),
            keys_source=keys,
            pods_without_keys=sum(1 for pod in pods if pod.is_ready and keys is not None and pod.required_keys != keys),
        )

    def state(self, service: ServiceObject) -> RouteState | None:
        """Return the route state that the Service of `service` records; None if there is no Service yet."""
        body = self._owned(SERVICE.kind, service, name=service.name)
        return None if body is None else route_state_of(body["metadata"].get("annotations") or {})

    def _owned(self, kind: str, service: ServiceObject, *, name: str) -> Body | None:
        body = self.store.get(kind, service.namespace, name)
        return body if body is not None and is_owned_by(body, uid=service.uid) else None


def route_state_of(annotations: Mapping[str, str]) -> RouteState:
    """Return the route state in the annotations of a Service; unreadable annotations count as absent."""
    try:
        phase = RoutePhase(annotations.get(names.ROUTE, RoutePhase.ENGINES))
        since = instant(annotations[names.ROUTE_SINCE]) if names.ROUTE_SINCE in annotations else None
    except (ValueError, OverflowError):
        return RouteState(phase=RoutePhase.ENGINES, since=None)
    return RouteState(phase=phase, since=since)
