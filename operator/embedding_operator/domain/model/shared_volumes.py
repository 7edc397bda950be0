"""The volumes of a `GPUPool` that engines of several namespaces can write to.

Files that one tenant's engine writes, such as compiled kernels, would be loaded by another's. Each namespace therefore
mounts a folder of its own, unless the pool shares its volumes.
"""

from collections.abc import Mapping
from typing import Any

from embedding_operator.api.v1alpha1.gpu_pool import PoolEngine

Mount = Mapping[str, Any]

OF_ONE_NAMESPACE = frozenset(
    {
        "configMap",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "name",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
"""Sources of volumes that belong to a pod or its namespace, or cannot be written to."""


def is_written_by_all(mount: Mount, *, engine: PoolEngine) -> bool:
    """Return whether `mount` gives engines of all namespaces the same place to write to."""
    volume = next((each for each in engine.volumes if each.get("name") == mount.get("name")), {})
    return mount.get("readOnly") is not True and not volume.keys() <= OF_ONE_NAMESPACE


def shares_files(engine: PoolEngine) -> bool:
    """Return whether engines of different namespaces on this pool can read what the others write."""
    read_only = {str(mount.get("name")) for mount in engine.volume_mounts if mount.get("readOnly") is True}
    written = {str(mount.get("name")) for mount in engine.volume_mounts} - read_only
    # A volume that no mount names may replace one of the operator's, whose mounts are writable.
    shared = {str(volume.get("name")) for volume in engine.volumes if not volume.keys() <= OF_ONE_NAMESPACE}
    return engine.share_volumes and bool(shared & written or shared - read_only)


def mount_of(mount: Mount, *, engine: PoolEngine, namespace: str) -> dict[str, Any]:
    """Return `mount` as engines in `namespace` have it: below a folder of the namespace where others write too."""
    if engine.share_volumes or not is_written_by_all(mount, engine=engine):
        return dict(mount)
    field = "subPathExpr" if "subPathExpr" in mount else "subPath"
    inner = str(mount.get(field) or "").strip("/")
    return {**mount, field: f"{inner}/{namespace}" if inner else namespace}
