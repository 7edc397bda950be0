"""Fluent builders of test values. Every call returns a new builder, so that a common prefix can be shared.

service().on("a10", minimum=1, maximum=6).window("night", "22:00", "08:00", t4=(1, 4)).spec()
observation().pool(pool("a10").ready(2).starting(1)).load(queue=40).build()
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from embedding_operator.api.v1alpha1.base import API_VERSION
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
"""A Wednesday."""

Manifest = dict[str, Any]

CPU_POOL = GPUPoolSpec.model_validate(
    {
        "device": "CPU",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "memoryGiB": 4,
        "engine": {"image": "docker.io/lmsysorg/sglang:v0.5.23-xeon"},
    }
)
"""A pool of engines without GPUs, as in manifests/samples/cpu.yaml."""


def _window(name: str, start: str, end: str, *, pools_and_fields: Mapping[str, Any]) -> Manifest:
    """Return one window: tuples are (minReplicas, maxReplicas) of a pool; without any, the service sleeps."""
    pools = {key: value for key, value in pools_and_fields.items() if isinstance(value, tuple)}
    fields = {key: value for key, value in pools_and_fields.items() if not isinstance(value, tuple)}
    allowed = (
        {"pools": [_bounds_manifest(pool, *bounds) for pool, bounds in pools.items()]} if pools else {"asleep": True}
    )
    return {"name": name, "start": start, "end": end, **allowed, **fields}


def _bounds_manifest(pool: str, minimum: int, maximum: int) -> Manifest:
    return {"gpuPool": pool, "minReplicas": minimum, "maxReplicas": maximum}


@dataclass(frozen=True, slots=True)
class ServiceBuilder:
    """An EmbeddingService as users write it."""

    name: str = "qwen3-embedding"
    namespace: str = "default"
    body: Manifest = field(default_factory=lambda: {"model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}}})

    def named(self, name: str, *, namespace: str | None = None) -> "ServiceBuilder":
        """Set the name and, if given, the namespace."""
        return replace(self, name=name, namespace=namespace or self.namespace)

    def having(self, **fields: Any) -> "ServiceBuilder":
        """Set fields of the spec, by the names that the API has for them."""
        return replace(self, body={**self.body, **fields})

    def on(self, pool: str, *, minimum: int = 0, maximum: int = 4, **fields: Any) -> "ServiceBuilder":
        """Add a pool."""
        entry = {**_bounds_manifest(pool, minimum, maximum), **fields}
        return self.having(pools=[*self.body.get("pools", ()), entry])

    def window(self, name: str, start: str, end: str, /, **pools_and_fields: Any) -> "ServiceBuilder":
        """Add a window: tuples are (minReplicas, maxReplicas) of a pool, other values are fields of the window."""
        schedule = {"timeZone": "UTC", "windows": (), **self.body.get("schedule", {})}
        entry = _window(name, start, end, pools_and_fields=pools_and_fields)
        return self.having(schedule={**schedule, "windows": [*schedule["windows"], entry]})

    def in_zone(self, zone: str) -> "ServiceBuilder":
        """Set the time zone of the windows."""
        return self.having(schedule={"windows": [], **self.body.get("schedule", {}), "timeZone": zone})

    def manifest(self) -> Manifest:
        """Return the object; it uses the pool `a10` if no pool was added."""
        return {
            "apiVersion": API_VERSION,
            "kind": "EmbeddingService",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": self.body if "pools" in self.body else self.on("a10").body,
        }

    def spec(self) -> EmbeddingServiceSpec:
        """Return the parsed spec."""
        return EmbeddingServiceSpec.model_validate(self.manifest()["spec"])


@dataclass(frozen=True, slots=True)
class ScheduleBuilder:
    """A ScalingSchedule as cluster admins write it."""

    name: str = "nights"
    body: Manifest = field(default_factory=lambda: {"timeZone": "UTC", "windows": []})

    def having(self, **fields: Any) -> "ScheduleBuilder":
        """Set fields of the spec, by the names that the API has for them."""
        return replace(self, body={**self.body, **fields})

    def window(self, name: str, start: str, end: str, /, **pools_and_fields: Any) -> "ScheduleBuilder":
        """Add a window: tuples are (minReplicas, maxReplicas) of a pool, other values are fields of the window."""
        return self.having(
            windows=[*self.body["windows"], _window(name, start, end, pools_and_fields=pools_and_fields)]
        )

    def manifest(self) -> Manifest:
        """Return the object."""
        return {
            "apiVersion": API_VERSION,
            "kind": "ScalingSchedule",
            "metadata": {"name": self.name},
            "spec": self.body,
        }

    def spec(self) -> ScalingScheduleSpec:
        """Return the parsed spec."""
        return ScalingScheduleSpec.model_validate(self.body)


def service(name: str = "qwen3-embedding") -> ServiceBuilder:
    """Begin an EmbeddingService."""
    return ServiceBuilder(name=name)


def scaling_schedule(name: str = "nights") -> ScheduleBuilder:
    """Begin a ScalingSchedule."""
    return ScheduleBuilder(name=name)
