"""The kind cluster: real kubelets, a control plane, an A10 worker and a T4 worker with GPUs that exist only in the API.

It runs in any available Docker, from the public node image if that can be pulled, otherwise from an assembled one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from .api import CLUSTER_VARIABLE, environment_prefix
from .commands import Surroundings, run_logged
from .digests import digest_of_tree, key_of
from .docker_engine import DockerEngine, PrivateDocker, find_engine, running_engine
from .errors import ClusterError
from .kind_config import FILES, cluster_config, without_forwarding
from .kind_workers import READY_SECONDS, Workers
from .loaded_images import label_images, missing_images
from .machine_cluster import MachineCluster
from .node_image import PUBLIC_IMAGE, NodeImage, node_image_of
from .progress import Progress
from .toolbox import Toolbox
from .tools import HELM, KIND, KUBECTL

CLUSTER = "embsvc"
TOOLS = (KIND, KUBECTL, HELM)
CREATE_SECONDS = 30.0
CREATE_TIMEOUT_SECONDS = 420.0
LOADING = "loading images into the kind cluster"
LOAD_SECONDS = 20.0
LOAD_TIMEOUT_SECONDS = 600.0
SLOW_BOOT = "could not find a log line that matches"
"""kind's message when a node has not booted within 30 s."""


@dataclass(frozen=True, slots=True)
class KindState:
    """The inputs of a running cluster: engine, node image, mounted host folders, digest of the settings."""

    docker_host: str | None
    image: str
    mounts: tuple[str, ...]
    settings: str

    def serves(self, wanted: KindState) -> bool:
        """Return whether a cluster with these inputs can serve for one with `wanted`; additional mounts are allowed."""
        same = (self.docker_host, self.image, self.settings) == (wanted.docker_host, wanted.image, wanted.settings)
        return same and set(wanted.mounts) <= set(self.mounts)


class KindCluster(MachineCluster):
    """The kind test cluster of this machine; there is one per machine, shared by tests and demo."""

    def __init__(self, *, extra_mounts: Sequence[Path] = (), progress: Progress | None = None) -> None:
        self._mounts = tuple(sorted({path.resolve() for path in extra_mounts}))
        super().__init__("kind", described="the kind cluster", progress=progress)
        self._workers = Workers(self.kubectl)
        self._toolbox = Toolbox(progress=self._progress)
        self._log = self._root / "kind.log"

    @property
    def kubeconfig(self) -> Path:
        """Administrator credentials; the API server listens on a free loopback port."""
        return self._root / "kubeconfig"

    @property
    def engine(self) -> DockerEngine:
        """The Docker engine the cluster runs in."""
        state = self._state()
        return find_engine(progress=self._progress) if state is None else DockerEngine(host=state.docker_host)

    def up(self) -> None:
        """Create the cluster with the extra mounts in its workers.

        A healthy cluster with the same inputs is kept; anything else, including leftovers of a killed run, is replaced.
        """
        self._check_mounts()
        self._toolbox.ensure(TOOLS)
        with self._lock():
            engine = find_engine(progress=self._progress)
            wanted = self._wanted(engine)
            if not self._serves(wanted):
                self._replace(wanted)
            self._workers.advertise_gpus()

    def is_up(self) -> bool:
        """Return whether a healthy cluster with the same inputs exists, so that `up` changes nothing."""
        return self._serves(self._wanted(find_engine(progress=self._progress)))

    def down(self) -> None:
        """Delete the cluster; stop the private Docker engine if it was used and runs nothing else."""
        with self._lock():
            self._remove()

    def is_healthy(self) -> bool:
        """Return whether the API server and all nodes are ready."""
        if self._state() is None:
            return False
        try:
            self.kubectl("get", "--raw", "/readyz", timeout_seconds=15)
            return self._workers.are_usable()
        except ClusterError:
            return False

    def has_leftovers(self) -> bool:
        """Return whether this machine has anything of a cluster, healthy or not."""
        return self._root.exists()

    def exec_prefix(self) -> list[str]:
        """Return a command-line prefix that runs a program with KUBECONFIG, built programs and the cluster's Docker."""
        state = self._state()
        host = {"DOCKER_HOST": state.docker_host} if state is not None and state.docker_host is not None else {}
        variables = {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": self._toolbox.search_path(TOOLS),
            CLUSTER_VARIABLE: self.name,
            **host,
        }
        return environment_prefix(variables)

    def load_images(self, *references: str) -> None:
        """Load images from the Docker engine into every worker, except those that are there already."""
        engine, nodes = self.engine, self._workers.names()
        missing = missing_images(engine, references, nodes=nodes)
        if not missing:
            return
        with self._progress.step(LOADING, usual_seconds=LOAD_SECONDS):
            selected = f"--nodes={','.join(nodes)}"
            self._kind(engine, "load", "docker-image", *missing, selected, timeout_seconds=LOAD_TIMEOUT_SECONDS)
            label_images(engine, missing, nodes=nodes)

    def _check_mounts(self) -> None:
        for path in self._mounts:
            if not path.is_dir():
                message = f"cannot mount {path} into the kind cluster: there is no such folder"
                raise ClusterError(message)

    def _wanted(self, engine: DockerEngine) -> KindState:
        image = node_image_of(engine, progress=self._progress)
        return KindState(engine.host, image, tuple(map(str, self._mounts)), _settings_digest())

    def _serves(self, wanted: KindState) -> bool:
        state = self._state()
        return state is not None and state.serves(wanted) and self.is_healthy()

    def _replace(self, wanted: KindState) -> None:
        engine = DockerEngine(host=wanted.docker_host)
        if self._containers(engine):
            with self._progress.step("deleting an outdated or broken kind cluster", usual_seconds=7):
                self._delete(engine)
        assembled = wanted.image != PUBLIC_IMAGE
        if assembled:
            NodeImage(engine, toolbox=self._toolbox, progress=self._progress).ensure()
        shutil.rmtree(self._root, ignore_errors=True)
        self._root.mkdir(parents=True)
        config = self._root / "config.yaml"
        config.write_text(cluster_config(mounts=self._mounts, assembled=assembled))
        arguments = (f"--image={wanted.image}", f"--config={config}", f"--kubeconfig={self.kubeconfig}", "--wait=120s")
        with self._progress.step("creating the kind cluster", usual_seconds=CREATE_SECONDS):
            create = partial(
                self._kind, engine, "create", "cluster", *arguments, timeout_seconds=CREATE_TIMEOUT_SECONDS
            )
            again_after_a_slow_boot(create, progress=self._progress)
            if assembled:
                self._stop_dns_forwarding()
            self._workers.wait()
            self._wait_for_dns()
        if assembled:
            engine.forget_other_tags(wanted.image)
        self._record(wanted)

    def _delete(self, engine: DockerEngine) -> None:
        self._kind(engine, "delete", "cluster", timeout_seconds=120)

    def _remove(self) -> None:
        private = PrivateDocker(progress=self._progress)
        for engine in self._possible_engines(private):
            if self._containers(engine):
                with self._progress.step("deleting the kind cluster", usual_seconds=7):
                    self._delete(engine)
        if private.has_leftovers():
            private.stop_if_idle()
        shutil.rmtree(self._root, ignore_errors=True)

    def _possible_engines(self, private: PrivateDocker) -> list[DockerEngine]:
        engines = []
        if private.has_leftovers():
            # a killed engine must run again to clean up after itself
            engines.append(private.start())
        running = running_engine() if self.has_leftovers() else None
        return engines if running is None else [*engines, running]

    def _containers(self, engine: DockerEngine) -> list[str]:
        listed = engine.run("ps", "--all", "--quiet", f"--filter=label=io.x-k8s.kind.cluster={CLUSTER}")
        return listed.split()

    def _stop_dns_forwarding(self) -> None:
        coredns = ("-n", "kube-system", "get", "configmap", "coredns", "-o", "json")
        settings = json.loads(self.kubectl(*coredns))["data"]
        patch = {"data": {"Corefile": without_forwarding(settings["Corefile"])}}
        self.kubectl("-n", "kube-system", "patch", "configmap", "coredns", "-p", json.dumps(patch))
        self.kubectl("-n", "kube-system", "delete", "pods", "-l", "k8s-app=kube-dns", "--force", "--grace-period=0")

    def _wait_for_dns(self) -> None:
        limit = f"--timeout={READY_SECONDS:.0f}s"
        self.kubectl(
            *("-n", "kube-system", "rollout", "status", "deployment/coredns", limit),
            timeout_seconds=READY_SECONDS + 10,
        )

    def _kind(self, engine: DockerEngine, *arguments: str, timeout_seconds: float) -> None:
        within = Surroundings(variables=engine.variables, timeout_seconds=timeout_seconds)
        program = str(self._toolbox.program("kind"))
        run_logged([program, *arguments, f"--name={CLUSTER}"], log=self._log, within=within)

    def _state(self) -> KindState | None:
        try:
            recorded = json.loads((self._root / "state.json").read_text())
        except FileNotFoundError:
            return None
        return KindState(**{**recorded, "mounts": tuple(recorded["mounts"])})

    def _record(self, state: KindState) -> None:
        (self._root / "state.json").write_text(json.dumps(asdict(state)))


def again_after_a_slow_boot(create: Callable[[], None], *, progress: Progress) -> None:
    """Create a cluster; try twice if a node boots more slowly than kind waits, as kind has no setting for that.

    When kind fails, it deletes what it created.
    """
    try:
        create()
    except ClusterError as error:
        if SLOW_BOOT not in str(error):
            raise
        progress.note("a node took longer to boot than kind waits; trying once more")
        create()


def _settings_digest() -> str:
    return key_of({"settings": digest_of_tree(FILES), "kind": KIND.version})
