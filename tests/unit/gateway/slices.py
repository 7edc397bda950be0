"""EndpointSlices as Kubernetes writes them."""

from collections.abc import Mapping
from typing import Any

Conditions = Mapping[str, bool | None]
Endpoint = dict[str, Any]

READY: Conditions = {"ready": True, "serving": True, "terminating": False}
UNREADY: Conditions = {"ready": False, "serving": False, "terminating": False}
TERMINATING: Conditions = {"ready": False, "serving": True, "terminating": True}


def endpoint(pod: str, address: str, *, conditions: Conditions = READY, uid: str = "", kind: str = "Pod") -> Endpoint:
    return {
        "addresses": [address],
        "conditions": dict(conditions),
        "targetRef": {"kind": kind, "name": pod, "namespace": "search", "uid": uid or f"uid-of-{pod}"},
    }


def endpoint_slice(
    *endpoints: Endpoint,
    name: str = "qwen-engines-x1",
    family: str = "IPv4",
    port: int = 30000,
    port_name: str = "http",
    labels: dict[str, str] | None = None,
    version: str = "1",
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "search", "labels": labels or {}, "resourceVersion": version},
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
    }
