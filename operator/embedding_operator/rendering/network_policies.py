"""Who may connect to the engines and the gateway of a service, and where its engines may connect to."""

from typing import Any
from urllib.parse import urlsplit

from embedding_operator.api.v1alpha1.model import ModelSpec
from embedding_operator.gateway_contract import AGENT_PORT, METRICS_PORT
from embedding_operator.rendering import names
from embedding_operator.rendering.child import ServiceRef, rendered
from embedding_operator.rendering.gateway_defaults import GatewayDefaults
from embedding_operator.rendering.manifest import Manifest

HTTPS = 443
_PORTS = {"http": 80, "https": HTTPS}


def engines_policy(service: ServiceRef, model: ModelSpec, *, defaults: GatewayDefaults) -> Manifest:
    """Return the policy of the engines.

    Only the gateway, the operator and metrics readers reach them. They reach a name server, and the server of the model
    if it is on one, but nothing on link-local addresses, where clouds hand out credentials of the node.
    """
    return rendered(
        "engines-network-policy.yaml.j2",
        service,
        name=names.engines_name(service.name),
        labels=names.service_labels(service.name),
        engines=names.service_selector(service.name),
        gateway=names.gateway_selector(service.name),
        port=names.PORT,
        restricts_egress=defaults.restrict_networks,
        model_ports=_model_ports(model),
        in_cluster=model.hugging_face is not None and model.hugging_face.endpoint is not None,
        more_egress=list(defaults.engine_egress),
        **_readers(defaults),
    )


def gateway_policy(service: ServiceRef, *, client_port: int, defaults: GatewayDefaults) -> tuple[Manifest, ...]:
    """Return the policy of the gateway, if there is one: anyone may send requests, few may read metrics."""
    if not defaults.restrict_networks:
        return ()
    policy = rendered(
        "gateway-network-policy.yaml.j2",
        service,
        name=names.gateway_name(service.name),
        labels=names.gateway_labels(service.name),
        gateway=names.gateway_selector(service.name),
        client_port=client_port,
        metrics_ports=[METRICS_PORT, AGENT_PORT],
        **_readers(defaults),
    )
    return (policy,)


def _readers(defaults: GatewayDefaults) -> dict[str, Any]:
    return {
        "operator_namespace": defaults.operator_namespace,
        "operator": dict(defaults.operator_labels),
        "metrics_namespaces": list(defaults.metrics_namespaces),
    }


def _model_ports(model: ModelSpec) -> list[int]:
    """Return the ports of the servers that have the model: the hub's and, if there is one, the mirror's."""
    if model.hugging_face is None:
        return []
    # A mirror may redirect to the hub's storage.
    return sorted({HTTPS, _port_of(model.hugging_face.endpoint or "https://hub")})


def _port_of(address: str) -> int:
    try:
        parts = urlsplit(address)
        return parts.port or _PORTS.get(parts.scheme, HTTPS)
    except ValueError:
        return HTTPS
