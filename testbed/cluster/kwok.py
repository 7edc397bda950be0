"""GPU nodes that exist only in the API: KWOK simulates their kubelets, so thousands of GPUs cost almost nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

GPU_RESOURCE = "nvidia.com/gpu"
PRODUCT_LABEL = "nvidia.com/gpu.product"


def gpu_node_list(
    *, product: str, count: int, gpus: int, labels: Mapping[str, str] | None = None
) -> list[dict[str, object]]:
    """Return the manifests of `count` nodes with `gpus` GPUs each, labelled as by NVIDIA's GPU feature discovery."""
    slug = product_slug(product)
    return [
        _gpu_node(f"kwok-{slug}-{number}", product=product, gpus=gpus, labels=labels or {}) for number in range(count)
    ]


def as_list(manifests: list[dict[str, object]]) -> str:
    """Return the manifests as one document for kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})


def product_slug(product: str) -> str:
    """Return the part of a node's name that stands for a GPU product: NVIDIA-A10 → nvidia-a10."""
    return re.sub(r"[^a-z0-9]+", "-", product.lower()).strip("-")


def _gpu_node(name: str, *, product: str, gpus: int, labels: Mapping[str, str]) -> dict[str, object]:
    capacity = {"cpu": "64", "memory": "512Gi", "ephemeral-storage": "1Ti", "pods": "250", GPU_RESOURCE: str(gpus)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "type": "kwok",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                PRODUCT_LABEL: product,
                **labels,
            },
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "status": {"capacity": capacity, "allocatable": capacity},
    }
