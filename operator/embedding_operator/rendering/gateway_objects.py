"""The gateway of a service: its pods and what they need.

A gateway pod depends on `spec.gateway`, on the target of the queue, on the part of `spec.podTemplate` that applies to
every pod, and on the operator's installation. It does not depend on engines: its agent learns them, and how many
requests each may get, from the EndpointSlices of a headless Service.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.domain.capacity.concurrency_knee import UNLEARNED_LIMIT
from embedding_operator.gateway_contract import MAX_CONNECTIONS_LABEL
from embedding_operator.rendering import gateway_memory, gateway_pod, names
from embedding_operator.rendering.child import ServiceRef, rendered
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config
from embedding_operator.rendering.gateway_defaults import GatewayDefaults
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.network_policies import gateway_policy


def gateway_objects(
    service: ServiceRef,
    spec: EmbeddingServiceSpec,
    *,
    defaults: GatewayDefaults,
    user: int | None,
    learned_connection_limit: int | None = None,
) -> tuple[Manifest, ...]:
    """Return everything that exists for the gateway alone, with the pods after what they need.

    The concurrent requests per engine are what the spec says, else what was learned, else `UNLEARNED_LIMIT`.
    """
    config = config_of(service, spec)
    files = gateway_config(config)
    data = {"haproxy.cfg": files.haproxy_cfg, "gateway.lua": files.lua}
    common: dict[str, Any] = {
        "name": names.gateway_name(service.name),
        "labels": names.gateway_labels(service.name),
    }
    return (
        rendered("gateway-service-account.yaml.j2", service, **common),
        rendered("gateway-role-binding.yaml.j2", service, **common, cluster_role=defaults.cluster_role),
        rendered("gateway-config-map.yaml.j2", service, **common, files=data),
        *gateway_policy(service, client_port=config.http_port, defaults=defaults),
        _engines_service(
            service, limit=spec.gateway.max_connections_per_engine or learned_connection_limit or UNLEARNED_LIMIT
        ),
        rendered(
            "gateway-deployment.yaml.j2",
            service,
            **common,
            selector=names.gateway_selector(service.name),
            annotations={names.CONFIG: _digest(data), **_keys_annotation(spec)},
            replicas=spec.gateway.replicas,
            **_pod(service, spec, config=config, defaults=defaults, user=user),
        ),
        rendered("poddisruptionbudget.yaml.j2", service, **common, selector=names.gateway_selector(service.name)),
    )


def config_of(service: ServiceRef, spec: EmbeddingServiceSpec) -> GatewayConfig:
    """Return the settings of a service's gateway."""
    gateway = spec.gateway
    # Each gateway pod sees its share of the queue.
    poke = max(1, spec.scaling.queue.target_requests // gateway.replicas)
    return GatewayConfig(
        service=service.name,
        namespace=service.namespace,
        keys_required=gateway.api_keys_secret_ref is not None,
        queue_timeout_seconds=gateway.queue_timeout_seconds,
        hold_seconds=gateway.hold_seconds,
        body_limit_bytes=gateway.body_limit_kib * 1024,
        poke_queue_per_engine=poke,
        max_connections=gateway_memory.connections(gateway),
    )


def _engines_service(service: ServiceRef, *, limit: int) -> Manifest:
    return rendered(
        "engines-service.yaml.j2",
        service,
        name=names.engines_name(service.name),
        labels={**names.service_labels(service.name), MAX_CONNECTIONS_LABEL: str(limit)},
        selector=names.service_selector(service.name),
        port=names.PORT,
        port_name=names.PORT_NAME,
    )


def _pod(
    service: ServiceRef,
    spec: EmbeddingServiceSpec,
    *,
    config: GatewayConfig,
    defaults: GatewayDefaults,
    user: int | None,
) -> dict[str, Any]:
    keys = spec.gateway.api_keys_secret_ref
    return {
        "image": defaults.image,
        "user": user,
        "priority_class": spec.pod_template.priority_class_name,
        "pull_secrets": [{"name": secret.name} for secret in spec.pod_template.image_pull_secrets],
        "node_selector": dict(defaults.node_selector),
        "tolerations": [each.model_dump(by_alias=True, exclude_none=True) for each in defaults.tolerations],
        "grace_seconds": gateway_pod.grace_seconds(config),
        "settle_seconds": gateway_pod.ENDPOINT_SETTLE_SECONDS,
        "liveness_grace_seconds": gateway_pod.LIVENESS_GRACE_SECONDS,
        "port_name": names.PORT_NAME,
        "ports": {"http": config.http_port, "metrics": config.metrics_port, "agent": config.agent_port},
        "haproxy_command": gateway_pod.haproxy_command(config),
        "haproxy_env": gateway_pod.HAPROXY_ENVIRONMENT,
        "haproxy_resources": gateway_pod.haproxy_resources(spec.gateway),
        "agent_resources": gateway_pod.AGENT_RESOURCES,
        "env": gateway_pod.agent_environment(
            service.name,
            namespace=service.namespace,
            config=config,
            operator_host=defaults.operator_host,
            operator_port=defaults.operator_port,
        ),
        "security": gateway_pod.SECURITY,
        "haproxy_mounts": gateway_pod.haproxy_mounts(config),
        "prepare_mounts": gateway_pod.prepare_mounts(config, has_keys=keys is not None),
        "agent_mounts": gateway_pod.agent_mounts(config, has_keys=keys is not None),
        "volumes": gateway_pod.volumes(
            names.gateway_name(service.name), keys_secret=None if keys is None else keys.name
        ),
    }


def _keys_annotation(spec: EmbeddingServiceSpec) -> dict[str, str]:
    keys = spec.gateway.api_keys_secret_ref
    return {} if keys is None else {names.REQUIRED_KEYS: keys.name}


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
