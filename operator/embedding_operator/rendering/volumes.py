"""Where the engine finds its model and where it may write; the rest of its file system is read-only.

Volumes of the `GPUPool` are added; a volume with the name of one here replaces it, and a mount at a path used here
takes over that path. So an admin can put caches on a disk of the node.
"""

import posixpath
from typing import Any

from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import ModelSpec
from embedding_operator.domain.model.shared_volumes import mount_of

SCRATCH = "/tmp"  # noqa: S108 (a volume of the pod alone)
SHARED_MEMORY = "/dev/shm"  # noqa: S108 (a volume of the pod alone)
WEIGHTS = "/warm/weights"
CACHE = "/warm/cache"
MODEL = "/model"

SHARED_MEMORY_GIB_PER_GPU = 2

Objects = list[dict[str, Any]]


def volumes(model: ModelSpec, *, gpu: GPUPoolSpec) -> Objects:
    """Return the volumes of an engine pod."""
    shared = {"medium": "Memory", "sizeLimit": f"{SHARED_MEMORY_GIB_PER_GPU * max(gpu.gpus, 1)}Gi"}
    own: Objects = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "shared-memory", "emptyDir": shared},
        {"name": "weights", "emptyDir": {}},
        {"name": "compile-cache", "emptyDir": {}},
    ]
    return _last_of_each([*own, *gpu.engine.volumes, *_model_volume(model)], key="name")


def volume_mounts(model: ModelSpec, *, gpu: GPUPoolSpec, namespace: str) -> Objects:
    """Return the mounts of the engine container of a service in `namespace`."""
    own: Objects = [
        {"name": "scratch", "mountPath": SCRATCH},
        {"name": "shared-memory", "mountPath": SHARED_MEMORY},
        {"name": "weights", "mountPath": WEIGHTS},
        {"name": "compile-cache", "mountPath": CACHE},
    ]
    model_mount: Objects = [{"name": "model", "mountPath": MODEL, "readOnly": True}] if _model_volume(model) else []
    # The operator's own mounts too: a volume of the pool can replace what they name.
    mounts = [mount_of(each, engine=gpu.engine, namespace=namespace) for each in (*own, *gpu.engine.volume_mounts)]
    return _last_of_each([*mounts, *model_mount], key="mountPath")


def model_path(model: ModelSpec) -> str:
    """Return what the engine loads: a repository, or the folder where the model's files are mounted."""
    if model.hugging_face is not None:
        return model.hugging_face.repo
    return posixpath.normpath(f"{MODEL}/{model.volume.path}") if model.volume is not None else MODEL


def _model_volume(model: ModelSpec) -> Objects:
    if model.volume is not None:
        claim = {"claimName": model.volume.claim_name, "readOnly": True}
        return [{"name": "model", "persistentVolumeClaim": claim}]
    if model.image is not None:
        return [{"name": "model", "image": {"reference": model.image.reference, "pullPolicy": "IfNotPresent"}}]
    return []


def _last_of_each(objects: Objects, *, key: str) -> Objects:
    return list({str(each.get(key)): each for each in objects}.values())
