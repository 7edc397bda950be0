from pathlib import Path

import pytest
import yaml

from testbed.cluster.errors import ClusterError
from testbed.cluster.kind import SLOW_BOOT, KindState, again_after_a_slow_boot
from testbed.cluster.kind_config import cluster_config, without_forwarding
from testbed.cluster.loaded_images import full_reference
from testbed.cluster.progress import Progress

COREFILE = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
}
"""


def test_both_gpu_pools_have_a_worker() -> None:
    config = yaml.safe_load(cluster_config(mounts=[], assembled=True))
    products = [node["labels"]["nvidia.com/gpu.product"] for node in config["nodes"] if node["role"] == "worker"]
    assert products == ["NVIDIA-A10", "Tesla-T4"]


def test_mounts_reach_every_worker_read_only_under_the_same_path_and_no_control_plane() -> None:
    config = yaml.safe_load(cluster_config(mounts=[Path("/opt/engine")], assembled=True))
    mount = {"hostPath": "/opt/engine", "containerPath": "/opt/engine", "readOnly": True}
    by_role = {node["role"]: node.get("extraMounts", []) for node in config["nodes"]}
    assert by_role == {"control-plane": [], "worker": [mount]}


def test_only_the_assembled_image_changes_the_kubelet() -> None:
    assembled = yaml.safe_load(cluster_config(mounts=[], assembled=True))
    public = yaml.safe_load(cluster_config(mounts=[], assembled=False))
    [patch] = assembled["kubeadmConfigPatches"]
    assert yaml.safe_load(patch)["failCgroupV1"] is False
    assert "kubeadmConfigPatches" not in public


def test_a_corefile_loses_forwarding_and_loop_detection_and_nothing_else() -> None:
    kept = without_forwarding(COREFILE)
    lost = [line for line in COREFILE.splitlines() if line not in kept.splitlines()]
    assert [line.strip() for line in lost] == ["forward . /etc/resolv.conf {", "max_concurrent 1000", "loop"]
    assert kept.count("{") == kept.count("}")


def test_a_one_line_forward_is_dropped_alone() -> None:
    assert without_forwarding(".:53 {\n    forward . 10.0.0.1\n    cache 30\n}\n") == ".:53 {\n    cache 30\n}\n"


def test_a_cluster_with_more_mounts_serves_who_wants_fewer() -> None:
    more = KindState(None, "node:1", ("/a", "/b"), "s")
    fewer = KindState(None, "node:1", ("/a",), "s")
    assert more.serves(fewer)
    assert not fewer.serves(more)


def test_a_cluster_of_another_image_engine_or_configuration_does_not_serve() -> None:
    wanted = KindState(None, "node:1", (), "s")
    assert not KindState(None, "node:2", (), "s").serves(wanted)
    assert not KindState("unix:///d", "node:1", (), "s").serves(wanted)
    assert not KindState(None, "node:1", (), "t").serves(wanted)


@pytest.mark.parametrize(
    ("docker", "containerd"),
    [
        ("python:3.11", "docker.io/library/python:3.11"),
        ("embedding-operator/fake:1", "docker.io/embedding-operator/fake:1"),
        ("registry.example.org/a:1", "registry.example.org/a:1"),
        ("localhost/a:1", "localhost/a:1"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
    ],
)
def test_images_have_their_full_name_in_containerd(docker: str, containerd: str) -> None:
    assert full_reference(docker) == containerd


@pytest.mark.parametrize(
    ("errors", "tries"),
    [
        ([], 1),
        ([f'{SLOW_BOOT} "Reached target"'], 2),
        ([f'{SLOW_BOOT} "Reached target"'] * 2, 2),
        (["no space left on device"], 1),
    ],
)
def test_a_slow_boot_gets_a_second_try_and_nothing_else_does(errors: list[str], tries: int) -> None:
    left, tried = list(errors), 0

    def create() -> None:
        nonlocal tried
        tried += 1
        if left:
            raise ClusterError(left.pop(0))

    if len(errors) < tries:
        again_after_a_slow_boot(create, progress=Progress())
    else:
        with pytest.raises(ClusterError, match=errors[-1].split()[0]):
            again_after_a_slow_boot(create, progress=Progress())
    assert tried == tries
