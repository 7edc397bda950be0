"""Configuration of the process, read once from the environment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from embedding_operator.api.v1alpha1.kubernetes_types import Toleration

ANY_ADDRESS = "*"
PREFIX = "EMBEDDING_OPERATOR_"
DEFAULT_ENGINE_IMAGE = "docker.io/lmsysorg/sglang:v0.5.23"
DEFAULT_GATEWAY_IMAGE = f"embedding-operator/embedding-operator:{version('embedding-operator')}"
LOG_LEVELS = ("debug", "info", "warning", "error")

# The same as in the API for triggers, which the gateways' agents, of which there are many, do not import.
SERVER_ADDRESS = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$"

T = TypeVar("T")

_LABELS = TypeAdapter(dict[str, str])
_TOLERATIONS = TypeAdapter(tuple[Toleration, ...])
_RULES = TypeAdapter(tuple[dict[str, Any], ...])


class SettingsError(ValueError):
    """An environment variable has a value that the operator cannot use."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How this process runs; what it does is in the custom resources.

    `watch_namespaces` is empty for the whole cluster. `lease` is switched off only for development. `pod_labels` select
    the operator's own pods, which engines must let in. Services may name images that begin with one of
    `image_prefixes`, or any if it is empty, and with `remote_code` models that bring code.

    The gateways' image is the operator's own; their ClusterRole lets them read EndpointSlices, `poke_host` resolves to
    every pod of the operator, and they run on nodes that match `gateway_node_selector` and whose taints
    `gateway_tolerations` tolerate. Pods in `metrics_namespaces` may read the metrics of engines
    and gateways. `restrict_networks` limits who reaches gateways and where engines connect to, with `engine_egress` as
    further rules.

    `prometheus_url` is queried for triggers and forecasts, empty if there is none; triggers may also name
    `prometheus_addresses`, `*` for any.
    """

    namespace: str = "embedding-operator-system"
    pod_name: str = "embedding-operator"
    pod_labels: tuple[tuple[str, str], ...] = (
        ("app.kubernetes.io/name", "embedding-operator"),
        ("app.kubernetes.io/instance", "embedding-operator"),
    )
    watch_namespaces: tuple[str, ...] = ()
    engine_image: str = DEFAULT_ENGINE_IMAGE
    image_prefixes: tuple[str, ...] = ()
    remote_code: bool = True
    gateway_image: str = DEFAULT_GATEWAY_IMAGE
    gateway_cluster_role: str = "embedding-operator-gateway"
    gateway_node_selector: tuple[tuple[str, str], ...] = (("kubernetes.io/os", "linux"),)
    gateway_tolerations: tuple[Toleration, ...] = ()
    poke_host: str = "embedding-operator-poke.embedding-operator-system.svc"
    poke_port: int = 8082
    metrics_namespaces: tuple[str, ...] = ()
    restrict_networks: bool = True
    engine_egress: tuple[Mapping[str, Any], ...] = ()
    prometheus_url: str = ""
    prometheus_addresses: tuple[str, ...] = ()
    log_level: str = "info"
    poll_seconds: float = 5.0
    workers: int = 16
    lease: bool = True
    lease_name: str = "embedding-operator"
    health_port: int = 8080
    metrics_port: int = 8081

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in `environment`; raise a `SettingsError` that names the variable and the fix."""
        read = _Reader(environment)
        return cls(
            namespace=read("NAMESPACE", str, cls.namespace),
            pod_name=read("POD_NAME", str, cls.pod_name),
            pod_labels=read("POD_LABELS", _labels, cls.pod_labels),
            watch_namespaces=read("WATCH_NAMESPACES", _names, ()),
            engine_image=read("ENGINE_IMAGE", str, cls.engine_image),
            image_prefixes=read("IMAGE_PREFIXES", _names, ()),
            remote_code=read("REMOTE_CODE", _boolean, cls.remote_code),
            gateway_image=read("GATEWAY_IMAGE", str, cls.gateway_image),
            gateway_cluster_role=read("GATEWAY_CLUSTER_ROLE", str, cls.gateway_cluster_role),
            gateway_node_selector=read("GATEWAY_NODE_SELECTOR", _node_selector, cls.gateway_node_selector),
            gateway_tolerations=read("GATEWAY_TOLERATIONS", _tolerations, ()),
            poke_host=read("POKE_HOST", str, cls.poke_host),
            poke_port=int(read("POKE_PORT", _between(1, 65535), float(cls.poke_port))),
            metrics_namespaces=read("METRICS_NAMESPACES", _names, ()),
            restrict_networks=read("RESTRICT_NETWORKS", _boolean, cls.restrict_networks),
            engine_egress=read("ENGINE_EGRESS", _rules, ()),
            prometheus_url=read("PROMETHEUS_URL", _address, ""),
            prometheus_addresses=read("PROMETHEUS_ADDRESSES", _addresses, ()),
            log_level=read("LOG_LEVEL", _one_of(LOG_LEVELS), cls.log_level),
            poll_seconds=read("POLL_SECONDS", _between(1.0, 60.0), cls.poll_seconds),
            workers=int(read("WORKERS", _between(1, 256), float(cls.workers))),
            lease=read("LEASE", _boolean, cls.lease),
            lease_name=read("LEASE_NAME", str, cls.lease_name),
            health_port=int(read("HEALTH_PORT", _between(1, 65535), float(cls.health_port))),
            metrics_port=int(read("METRICS_PORT", _between(1, 65535), float(cls.metrics_port))),
        )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def __call__(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._environment.get(PREFIX + name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            message = f"{PREFIX}{name}={text!r}: {error}"
            raise SettingsError(message) from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _address(text: str) -> str:
    if not re.match(SERVER_ADDRESS, text):
        raise ValueError("use an address such as http://prometheus.monitoring.svc:9090")
    return text


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(name if name == ANY_ADDRESS else _address(name) for name in _names(text))


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [name.partition("=") for name in _names(text)]
    if not all(key and value for key, _, value in pairs):
        raise ValueError("use labels such as app=operator,release=prod")
    return tuple((key, value) for key, _, value in pairs)


def _node_selector(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(sorted(_LABELS.validate_json(text).items()))
    except ValidationError:
        raise ValueError('use JSON such as {"kubernetes.io/os": "linux"}') from None


def _tolerations(text: str) -> tuple[Toleration, ...]:
    try:
        return _TOLERATIONS.validate_json(text)
    except ValidationError:
        raise ValueError('use JSON such as [{"key": "dedicated", "operator": "Exists"}]') from None


def _rules(text: str) -> tuple[Mapping[str, Any], ...]:
    try:
        return _RULES.validate_json(text)
    except ValidationError:
        raise ValueError('use JSON such as [{"ports": [{"port": 443}]}]') from None


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("use true or false")
    return text.lower() == "true"


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in allowed:
            message = f"use one of {', '.join(allowed)}"
            raise ValueError(message)
        return text.lower()

    return parse


def _between(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        message = f"use a number from {low:g} to {high:g}"
        try:
            value = float(text)
        except ValueError:
            raise ValueError(message) from None
        if not low <= value <= high:
            raise ValueError(message)
        return value

    return parse
