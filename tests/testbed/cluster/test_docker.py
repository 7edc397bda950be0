from pathlib import Path

from testbed.cluster.docker_engine import CAP_SYS_RESOURCE, daemon_argv, lacks_capability
from testbed.cluster.docker_leftovers import belongs_to_engine, mounts_below, with_descendants

ROOT = Path("/run/embedding-operator/docker")


def test_a_capability_is_looked_up_in_the_bounding_set() -> None:
    assert lacks_capability("CapEff:\t000001ffffffffff\nCapBnd:\t000001fffeffffff\n", capability=CAP_SYS_RESOURCE)
    assert not lacks_capability("CapBnd:\t000001ffffffffff\n", capability=CAP_SYS_RESOURCE)
    assert not lacks_capability("Name:\tpython\n", capability=CAP_SYS_RESOURCE)


def test_the_wrapper_is_the_default_runtime_only_where_it_is_needed() -> None:
    plain = daemon_argv(ROOT, Path("/images"), wrapper=None)
    wrapped = daemon_argv(ROOT, Path("/images"), wrapper=Path("/run/wrap"))
    assert "--default-runtime" not in plain
    assert wrapped[-4:] == ["--add-runtime", "wrapped=/run/wrap", "--default-runtime", "wrapped"]


def test_only_engine_programs_with_state_below_the_root_belong_to_the_engine() -> None:
    shim = ["/usr/bin/containerd-shim-runc-v2", "-address", f"{ROOT}/exec/containerd/containerd.sock"]
    other_shim = ["/usr/bin/containerd-shim-runc-v2", "-address", "/run/containerd/containerd.sock"]
    reader = ["tail", "-f", f"{ROOT}/logs/dockerd.log"]
    assert belongs_to_engine(shim, root=ROOT)
    assert not belongs_to_engine(other_shim, root=ROOT)
    assert not belongs_to_engine(reader, root=ROOT)
    assert not belongs_to_engine([], root=ROOT)


def test_descendants_are_found_over_generations() -> None:
    parents = {2: 1, 3: 2, 4: 3, 5: 1}
    assert with_descendants([2], parents=parents) == {2, 3, 4}
    assert with_descendants([], parents=parents) == set()


def test_mounts_are_unmounted_innermost_first_and_others_left_alone() -> None:
    table = (
        "overlay /run/embedding-operator/docker/a overlay rw 0 0\n"
        "tmpfs /run/embedding-operator/docker/a/with\\040space tmpfs rw 0 0\n"
        "tmpfs /run/embedding-operator/docker-of-another tmpfs rw 0 0\n"
        "/dev/vda /run/embedding-operator/docker ext4 rw 0 0\n"
    )
    assert mounts_below(table, folders=[ROOT]) == [str(ROOT), f"{ROOT}/a/with space", f"{ROOT}/a"]
