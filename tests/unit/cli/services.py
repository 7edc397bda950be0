"""Services as users write them."""

from typing import Any

import yaml

VERSION = "embedding-operator.io/v1alpha1"
A10 = {"gpuPool": "a10", "minReplicas": 1, "maxReplicas": 6}
NIGHT = {"name": "night", "start": "22:00", "end": "06:00", "pools": [{"gpuPool": "t4", "maxReplicas": 2}]}
T4 = {"gpuPool": "t4", "maxReplicas": 4}


def service(**spec: Any) -> dict[str, Any]:
    """Return an EmbeddingService on one A10 pool; `spec` on top of it."""
    return {
        "apiVersion": VERSION,
        "kind": "EmbeddingService",
        "metadata": {"name": "queries"},
        "spec": {"model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-4B"}}, "pools": [A10], **spec},
    }


def gpu_pool(name: str, **spec: Any) -> dict[str, Any]:
    """Return a GPUPool of an A10; `spec` on top of it."""
    a10 = {"nodeSelector": {"gpu": name}, "computeCapability": "8.6", "memoryGiB": 24, "tensorTFLOPS": 125}
    return {"apiVersion": VERSION, "kind": "GPUPool", "metadata": {"name": name}, "spec": {**a10, **spec}}


def text(*documents: Any) -> str:
    """Write `documents` into a file and return it."""
    return str(yaml.safe_dump_all(documents))
