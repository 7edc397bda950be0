"""Examples of what the API server refuses, each with an accepted counterpart; from the files in `cases/`."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from embedding_operator.api.crd import EMBEDDING_SERVICE, GPU_POOL, SCALING_SCHEDULE, CustomResource
from embedding_operator.api.v1alpha1.base import API_VERSION

CASES = Path(__file__).parent / "cases"

Manifest = dict[str, Any]

SMALLEST: dict[str, Manifest] = {
    "EmbeddingService": {
        "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}},
        "pools": [{"gpuPool": "a10", "maxReplicas": 4}],
    },
    "GPUPool": {"nodeSelector": {"gpu": "a10"}, "computeCapability": "8.6", "memoryGiB": 22},
    "ScalingSchedule": {"windows": [{"name": "night", "start": "22:00", "end": "08:00", "asleep": True}]},
}
"""The smallest valid spec of every kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A refused object, its accepted counterpart, and what the refusal must name."""

    name: str
    resource: CustomResource
    refused: Manifest
    accepted: Manifest
    field: str
    message: str


def smallest(resource: CustomResource, *, name: str = "example", namespace: str = "default") -> Manifest:
    """Return the smallest valid object of a kind; `namespace` is used if the kind is namespaced."""
    metadata = {"name": name, "namespace": namespace} if resource.namespaced else {"name": name}
    spec = deepcopy(SMALLEST[resource.kind])
    return {"apiVersion": API_VERSION, "kind": resource.kind, "metadata": metadata, "spec": spec}


def load_cases() -> list[Case]:
    """Return all cases of all kinds."""
    return [
        Case(
            name=f"{resource.kind}: {entry['case']}",
            resource=resource,
            refused=_laid_over(smallest(resource), entry["refused"]),
            accepted=_laid_over(smallest(resource), entry["accepted"]),
            field=entry["field"],
            message=entry["message"],
        )
        for resource in (EMBEDDING_SERVICE, GPU_POOL, SCALING_SCHEDULE)
        for entry in yaml.safe_load((CASES / f"{resource.kind.lower()}.yaml").read_text(encoding="utf-8"))
    ]


def _laid_over(manifest: Manifest, changes: Manifest) -> Manifest:
    changed = {**manifest}
    for part, fields in changes.items():
        merged = {**manifest[part], **fields}
        changed[part] = {name: value for name, value in merged.items() if value is not None}
    return changed
