"""Where engines of different namespaces write."""

from typing import Any

import pytest
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import ModelSpec
from embedding_operator.rendering.volumes import CACHE, volume_mounts

MODEL = ModelSpec.model_validate({"huggingFace": {"repo": "a/b"}})
NODE_DISK = [{"name": "disk", "hostPath": {"path": "/mnt"}}]
CLAIM = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]


def mounted(mount: dict[str, Any], volumes: list[dict[str, Any]], **engine: Any) -> dict[str, Any]:
    """Return a mount of a pool as an engine in the namespace `team` gets it."""
    pool = {"nodeSelector": {"gpu": "x"}, "computeCapability": "8.6", "memoryGiB": 22}
    gpu = GPUPoolSpec.model_validate({**pool, "engine": {"volumes": volumes, "volumeMounts": [mount], **engine}})
    return volume_mounts(MODEL, gpu=gpu, namespace="team")[-1]


@pytest.mark.parametrize(
    ("more", "field", "folder"),
    [
        ({}, "subPath", "team"),
        ({"subPath": "a/b/"}, "subPath", "a/b/team"),
        ({"subPathExpr": "$(NODE)"}, "subPathExpr", "$(NODE)/team"),
        ({"readOnly": False}, "subPath", "team"),
    ],
)
def test_a_disk_of_the_node_has_a_folder_for_each_namespace(more: dict[str, Any], field: str, folder: str) -> None:
    mount = {"name": "disk", "mountPath": "/disk", **more}
    assert mounted(mount, NODE_DISK) == {**mount, field: folder}
    assert mounted(mount, NODE_DISK, shareVolumes=True) == mount


def test_what_is_read_only_or_of_one_namespace_is_mounted_as_stated() -> None:
    mount = {"name": "disk", "mountPath": "/disk"}
    assert mounted(mount, CLAIM) == mount
    assert mounted({**mount, "readOnly": True}, NODE_DISK) == {**mount, "readOnly": True}


def test_a_volume_that_replaces_one_of_the_operator_has_folders_too() -> None:
    gpu = GPUPoolSpec.model_validate(
        {
            "nodeSelector": {"gpu": "x"},
            "memoryGiB": 22,
            "engine": {"volumes": [{"name": "compile-cache", "hostPath": {"path": "/cache"}}]},
        }
    )
    (cache,) = [each for each in volume_mounts(MODEL, gpu=gpu, namespace="team") if each["mountPath"] == CACHE]
    assert cache["subPath"] == "team"
