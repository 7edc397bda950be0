"""What the children of an EmbeddingService are called, and the labels by which they are found."""

import re

PORT = 30000
PORT_NAME = "http"
SERVICE_PORT = 80

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
"""Cost tools such as OpenCost add up the cost of inference by this label."""

ENGINE = "engine"

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


def deployment_name(service: str, *, pool: str) -> str:
    """Return the name of the Deployment of a service on a pool; the rules of the API keep it short enough."""
    return f"{service}-{pool}"


def service_labels(service: str) -> dict[str, str]:
    """Return the labels of every child of a service."""
    return {
        NAME: "sglang",
        INSTANCE: service,
        COMPONENT: ENGINE,
        MANAGED_BY: FIELD_MANAGER,
        PART_OF: "embedding-operator",
        SERVICE: service,
    }


def pool_labels(service: str, *, pool: str) -> dict[str, str]:
    """Return the labels of what a service has on one pool."""
    return {**service_labels(service), GPU_POOL: pool}


def service_selector(service: str) -> dict[str, str]:
    """Return the labels that select the engine pods of a service on all pools."""
    return {SERVICE: service, COMPONENT: ENGINE}


def pool_selector(service: str, *, pool: str) -> dict[str, str]:
    """Return the labels that select the engine pods on one pool. A Deployment can never change them."""
    return {**service_selector(service), GPU_POOL: pool}


def model_labels(served_name: str) -> dict[str, str]:
    """Return the label that names the model, or none if the name is no label value."""
    return {MODEL: served_name} if _LABEL_VALUE.fullmatch(served_name) else {}
