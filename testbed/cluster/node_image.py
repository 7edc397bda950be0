"""The image of kind's nodes: the public one, or one assembled from Debian packages and the built programs.

A node image contains systemd, containerd, the kubelet and the images of the control plane, in containerd's store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template

from .cache import Artefact
from .commands import CommandError, Surroundings, run, run_logged
from .debian_root import artefact_of as debian_artefact
from .debian_root import debian_root
from .digests import digest_of_tree
from .docker_engine import DockerEngine
from .image_archive import Excerpt, write_image, write_layer
from .paths import ASSETS
from .prerequisites import ensure
from .progress import Progress
from .requirements import PAUSE_COMPILER
from .toolbox import Toolbox, keys_of
from .tools import CNI_PLUGINS, CONTAINERD, COREDNS, ETCD, KUBECTL, KUBERNETES, KUBERNETES_VERSION

PUBLIC_IMAGE = "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
"""The node image of the pinned kind release."""

ROOT = "node-root"
REPOSITORY = "embedding-operator/node"
ROOT_REPOSITORY = "embedding-operator/node-root"
FILES = ASSETS / "node"
TOOLS = (KUBERNETES, KUBECTL, ETCD, COREDNS, CONTAINERD, CNI_PLUGINS)
PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "bash", "util-linux", "mount", "kmod", "procps", "hostname"),
    *("conntrack", "iptables", "nftables", "iproute2", "ethtool", "socat"),
    *("ca-certificates", "jq", "libseccomp2", "runc"),
)
CONTROL_PLANE_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd")
PACKET_FILTER_FILES = ("lib", "lib64", "lib64/*", "usr/lib64/*", "sbin", "usr/sbin/nft", "usr/lib/*/*.so*")
"""The parts of a root file system that kube-proxy needs: nft and shared libraries."""

NODE_PROGRAMS = {
    "usr/bin": ("kubeadm", "kubelet", "kubectl"),
    "usr/local/bin": ("containerd", "ctr", "containerd-shim-runc-v2"),
    "opt/cni/bin": ("bridge", "loopback", "host-local", "portmap"),
}
TIMEOUT_SECONDS = 900.0


class NodeImage:
    """The assembled node image."""

    def __init__(self, engine: DockerEngine, *, toolbox: Toolbox, progress: Progress) -> None:
        self._engine = engine
        self._toolbox = toolbox
        self._progress = progress
        self._log = toolbox.cache.log_file("node-image")

    def is_there(self) -> bool:
        """Return whether the engine has the image for the current inputs."""
        return self._engine.image_id(assembled_reference()) is not None

    def ensure(self) -> str:
        """Return the reference of the image in the engine, assembling it if it does not exist yet."""
        reference = assembled_reference()
        if self._engine.image_id(reference) is not None:
            return reference
        self._toolbox.ensure(TOOLS)
        ensure(PAUSE_COMPILER, progress=self._progress)
        root = debian_root(ROOT, packages=PACKAGES, cache=self._toolbox.cache, progress=self._progress)
        with self._toolbox.cache.workspace("node-image", purpose="assembling the node image") as context:
            if self._engine.image_id(reference) is None:
                with self._progress.step("assembling the node image", usual_seconds=60):
                    self._assemble(reference, root, context)
        return reference

    def _assemble(self, reference: str, root: Path, context: Path) -> None:
        raw = f"{reference}-raw"
        self._log.unlink(missing_ok=True)
        shutil.copytree(FILES / "files", context / "files")
        self._add_programs(context / "files")
        self._add_images(context, root)
        self._run("docker", "import", str(root), f"{ROOT_REPOSITORY}:{_key()}")
        arguments = {"ROOT": f"{ROOT_REPOSITORY}:{_key()}"}
        self._engine.build(context, tag=raw, dockerfile=FILES / "Dockerfile", build_args=arguments, log=self._log)
        self._preload(raw, reference, archives=context / "images")
        self._engine.forget_other_tags(reference)
        self._engine.forget_tags(ROOT_REPOSITORY)

    def _add_programs(self, files: Path) -> None:
        for folder, programs in NODE_PROGRAMS.items():
            (files / folder).mkdir(parents=True, exist_ok=True)
            for program in programs:
                shutil.copy(self._toolbox.program(program), files / folder / program)
        (files / "kind" / "version").write_text(KUBERNETES_VERSION)

    def _add_images(self, context: Path, root: Path) -> None:
        images = context / "images"
        images.mkdir()
        references = self._references()
        layer = context / "layer.tar"
        packet_filter = Excerpt(root, PACKET_FILTER_FILES)
        for name in (*CONTROL_PLANE_PROGRAMS, "coredns", "pause"):
            place = f"/usr/local/bin/{name}" if name in CONTROL_PLANE_PROGRAMS else f"/{name}"
            source = self._compile_pause(context) if name == "pause" else self._toolbox.program(name)
            write_layer(layer, programs={place: source}, root=packet_filter if name == "kube-proxy" else None)
            write_image(images / f"{name}.tar", reference=references[name], entrypoint=[place], layer=layer)
            layer.unlink()
        configuration = Template((FILES / "containerd.toml").read_text()).substitute(pause_image=references["pause"])
        target = context / "files" / "etc" / "containerd"
        target.mkdir()
        (target / "config.toml").write_text(configuration)

    def _references(self) -> Mapping[str, str]:
        kubeadm = [str(self._toolbox.program("kubeadm")), "config", "images", "list"]
        listed = run([*kubeadm, f"--kubernetes-version={KUBERNETES_VERSION}"])
        return image_names(listed)

    def _compile_pause(self, context: Path) -> Path:
        target = context / "pause"
        run_logged(["gcc", "-Os", "-static", "-s", "-o", str(target), str(FILES / "pause.c")], log=self._log)
        return target

    def _preload(self, raw: str, reference: str, *, archives: Path) -> None:
        container = "embsvc-node-image"
        self._remove_container(container)
        node = ["docker", "run", "--detach", "--privileged", "--network=none", "--tmpfs=/tmp", "--tmpfs=/run"]
        try:
            self._run(*node, f"--name={container}", f"--volume={archives}:/kind/images:ro", raw)
            self._run("docker", "exec", container, "/usr/local/sbin/preload-images")
            self._run("docker", "commit", container, reference)
        finally:
            self._remove_container(container)

    def _remove_container(self, name: str) -> None:
        try:
            self._engine.run("rm", "--force", "--volumes", name)
        except CommandError as failure:
            if "No such container" not in failure.output:
                raise

    def _run(self, *argv: str) -> None:
        within = Surroundings(variables=self._engine.variables, timeout_seconds=TIMEOUT_SECONDS)
        run_logged(argv, log=self._log, within=within)


def node_image_of(engine: DockerEngine, *, progress: Progress) -> str:
    """Return the node image to use in an engine: the public one if it can be pulled, otherwise the one to assemble."""
    if not engine.is_private and engine.has_or_pulls(PUBLIC_IMAGE, progress=progress):
        return PUBLIC_IMAGE
    return assembled_reference()


def assembled_reference() -> str:
    """Return the name of the image that is assembled from the current inputs."""
    return f"{REPOSITORY}:{_key()}"


def image_names(listed: str) -> dict[str, str]:
    """Return the images by short name, from kubeadm's list: `host/coredns/coredns:v1` is `coredns`."""
    return {line.rpartition("/")[2].partition(":")[0]: line for line in listed.split()}


def _key() -> str:
    inputs = {
        "tools": keys_of(TOOLS),
        "root": debian_artefact(ROOT, packages=PACKAGES).key,
        "files": digest_of_tree(FILES, Path(__file__)),
        "machine": os.uname().machine,
    }
    return Artefact("node-image", inputs).key
