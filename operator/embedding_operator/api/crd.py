"""CustomResourceDefinitions generated from the models; `python -m embedding_operator.api.crd DIR` writes them."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from embedding_operator.api.structural import structural_schema
from embedding_operator.api.v1alpha1 import embedding_service, gpu_pool
from embedding_operator.api.v1alpha1.base import GROUP, VERSION
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec, GPUPoolStatus
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec, ScalingScheduleStatus
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus

HEADER = "# Generated from operator/embedding_operator/api by `make generate`. Do not edit.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A printer column; with `wide` it is shown only by `kubectl get -o wide`."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False

    def document(self) -> dict[str, Any]:
        """Return the column in the form that the API server expects."""
        column: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return {**column, "priority": 1} if self.wide else column


AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomResource:
    """A kind of the API: its names, models, columns and the validation rules for the whole object."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    namespaced: bool
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    description: str
    object_rules: tuple[dict[str, str], ...] = ()
    selectable_fields: tuple[str, ...] = ()

    @property
    def crd_name(self) -> str:
        """Return the name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"

    def document(self) -> dict[str, Any]:
        """Return the CustomResourceDefinition."""
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.crd_name},
            "spec": {
                "group": GROUP,
                "scope": "Namespaced" if self.namespaced else "Cluster",
                "names": {
                    "kind": self.kind,
                    "listKind": f"{self.kind}List",
                    "plural": self.plural,
                    "singular": self.kind.lower(),
                    "shortNames": list(self.short_names),
                    "categories": ["embeddings"],
                },
                "conversion": {"strategy": "None"},
                "versions": [self._version()],
            },
        }

    def _version(self) -> dict[str, Any]:
        version: dict[str, Any] = {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [column.document() for column in (*self.columns, AGE)],
            "schema": {"openAPIV3Schema": self._schema()},
        }
        if self.selectable_fields:
            version["selectableFields"] = [{"jsonPath": path} for path in self.selectable_fields]
        return version

    def _schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "description": self.description,
            "required": ["spec"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
                "spec": structural_schema(self.spec),
                "status": structural_schema(self.status),
            },
        }
        if self.object_rules:
            schema["x-kubernetes-validations"] = list(self.object_rules)
        return schema


def _condition(kind: str, *, key: str = "status") -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{key}'


EMBEDDING_SERVICE = CustomResource(
    kind="EmbeddingService",
    plural="embeddingservices",
    short_names=("embsvc",),
    namespaced=True,
    spec=EmbeddingServiceSpec,
    status=EmbeddingServiceStatus,
    description="A text-embedding model, served on GPU pools and scaled by queue and schedule.",
    object_rules=embedding_service.OBJECT_RULES,
    selectable_fields=(".spec.scaling.mode", ".spec.model.huggingFace.repo"),
    columns=(
        Column(name="Ready", path=_condition("Ready")),
        Column(name="Replicas", path=".status.readySummary"),
        Column(name="Window", path=".status.schedule.window"),
        Column(name="Next", path=".status.schedule.nextTransition"),
        Column(name="Queue", path=".status.decision.queueRequests", type="number"),
        Column(name="Reason", path=_condition("Ready", key="reason"), wide=True),
        Column(name="Model", path=".spec.model.huggingFace.repo", wide=True),
    ),
)

GPU_POOL = CustomResource(
    kind="GPUPool",
    plural="gpupools",
    short_names=("gpupool",),
    namespaced=False,
    spec=GPUPoolSpec,
    status=GPUPoolStatus,
    description="A kind of GPU in this cluster: where it is, what it can do, and what the engine needs on it.",
    object_rules=gpu_pool.OBJECT_RULES,
    columns=(
        Column(name="Capability", path=".spec.computeCapability"),
        Column(name="Memory", path=".spec.memoryGiB", type="integer"),
        Column(name="Price", path=".spec.pricePerHour", wide=True),
        Column(name="Nodes", path=".status.nodes", type="integer"),
        Column(name="GPUs", path=".status.gpusAllocatable", type="integer"),
        Column(name="InUse", path=".status.gpusInUse", type="integer"),
        Column(name="Services", path=".status.services", type="integer"),
    ),
)

SCALING_SCHEDULE = CustomResource(
    kind="ScalingSchedule",
    plural="scalingschedules",
    short_names=("scalesched",),
    namespaced=False,
    spec=ScalingScheduleSpec,
    status=ScalingScheduleStatus,
    description="Time windows that a cluster admin applies to EmbeddingServices.",
    columns=(
        Column(name="Enforcement", path=".spec.enforcement"),
        Column(name="Zone", path=".spec.timeZone"),
        Column(name="Window", path=".status.activeWindow"),
        Column(name="Next", path=".status.nextTransition"),
        Column(name="Services", path=".status.services", type="integer"),
    ),
)

CUSTOM_RESOURCES = (EMBEDDING_SERVICE, GPU_POOL, SCALING_SCHEDULE)


class _PlainDumper(yaml.SafeDumper):
    """A dumper that writes repeated values in full: YAML anchors trip up CRD tools and reviewers."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def crd_files() -> dict[str, str]:
    """Return the text of every CRD file, by file name."""
    return {
        f"{resource.crd_name}.yaml": HEADER
        + yaml.dump(resource.document(), Dumper=_PlainDumper, sort_keys=False, width=120, allow_unicode=True)
        for resource in CUSTOM_RESOURCES
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the CRD files to the folder named by the first argument."""
    folder = Path((arguments or sys.argv[1:])[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in crd_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
