"""The names of an EmbeddingService's children, and the labels that select them."""

import re

from embedding_operator.api.v1alpha1.embedding_service import GATEWAY_SUFFIX

PORT = 30000
PORT_NAME = "http"
SERVICE_PORT = 80
"""Engines listen on `PORT`; engines and gateways both name their request port `PORT_NAME`."""

FIELD_MANAGER = "embedding-operator"
"""The one field manager under which the operator applies objects."""

NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
SERVICE = "embedding-operator.io/service"
GPU_POOL = "embedding-operator.io/gpu-pool"
MODEL = "llm-d.ai/model"
"""Cost tools such as OpenCost aggregate the cost of inference by this label."""

ROUTE = "embedding-operator.io/route"
ROUTE_SINCE = "embedding-operator.io/route-since"
"""Annotations of a Service: the phase of `domain.gateway_routing`, and since when."""
CONFIG = "embedding-operator.io/config"
"""Annotation of gateway pods: the digest of the configuration that they started with."""
REQUIRED_KEYS = "embedding-operator.io/required-keys"
"""Annotation of gateway pods that require API keys: the Secret that holds these."""

ENGINE = "engine"
GATEWAY = "gateway"

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def deployment_name(service: str, *, pool: str) -> str:
    """Return the name of the Deployment of a service on a pool; the API's validation keeps it short enough."""
    return f"{service}-{pool}"


def gateway_name(service: str) -> str:
    """Return the name of everything that exists for the gateway alone."""
    return f"{service}-{GATEWAY_SUFFIX}"


def engines_name(service: str) -> str:
    """Return the name of the objects between gateway and engines: a headless Service and a NetworkPolicy."""
    return f"{service}-engines"


def service_labels(service: str) -> dict[str, str]:
    """Return the labels of every child of a service, except those of its gateway."""
    return {
        NAME: "sglang",
        INSTANCE: service,
        COMPONENT: ENGINE,
        MANAGED_BY: FIELD_MANAGER,
        PART_OF: "embedding-operator",
        SERVICE: service,
    }


def pool_labels(service: str, *, pool: str) -> dict[str, str]:
    """Return the labels of a service's objects on one pool."""
    return {**service_labels(service), GPU_POOL: pool}


def gateway_labels(service: str) -> dict[str, str]:
    """Return the labels of the gateway of a service, including its pods."""
    return {**service_labels(service), NAME: "haproxy", COMPONENT: GATEWAY}


def gateway_selector(service: str) -> dict[str, str]:
    """Return the labels that select the gateway pods of a service. A Deployment can never change them."""
    return {SERVICE: service, COMPONENT: GATEWAY}


def service_selector(service: str) -> dict[str, str]:
    """Return the labels that select the engine pods of a service on all pools."""
    return {SERVICE: service, COMPONENT: ENGINE}


def pool_selector(service: str, *, pool: str) -> dict[str, str]:
    """Return the labels that select the engine pods on one pool. A Deployment can never change them."""
    return {**service_selector(service), GPU_POOL: pool}


def model_labels(served_name: str) -> dict[str, str]:
    """Return the label that names the model, or none if the name is not a valid label value."""
    return {MODEL: served_name} if _LABEL_VALUE.fullmatch(served_name) else {}
