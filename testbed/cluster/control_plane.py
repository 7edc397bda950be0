"""A real control plane as processes in a network namespace: seconds to start, thousands of fake GPUs, no containers.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler, CoreDNS and KWOK. Clients reach it from inside the
namespace only, through `exec_prefix()`. `down` finds all it runs and writes, also after a run that was killed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from string import Template

from . import components
from .api import CLUSTER_VARIABLE, environment_prefix, kubectl_argv, require_kubeconfig
from .commands import CommandError, Surroundings, run, run_logged, succeeds
from .components import Layout
from .digests import digest_of_tree, key_of
from .kwok import as_list, gpu_node_list
from .locks import exclusive, exclusive_if_free
from .network import NetworkNamespace
from .node_conditions import is_usable
from .paths import ASSETS, memory_root, run_root
from .prerequisites import ensure, require_root
from .processes import Supervisor
from .progress import Progress
from .requirements import CONTROL_PLANE
from .toolbox import Toolbox, keys_of
from .tools import COREDNS, ETCD, HELM, KUBECTL, KUBERNETES, KUBERNETES_VERSION, KWOK
from .waiting import wait_until

TOOLS = (KUBERNETES, KUBECTL, ETCD, KWOK, COREDNS, HELM)
FILES = ASSETS / "control-plane"
START_SECONDS = 60.0
APPLY_BATCHES = 8
STOPPING_ORDER = ("kwok", "coredns", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")


class ControlPlane:
    """The control-plane test cluster of this machine; there is one per machine."""

    name = "control-plane"

    def __init__(self, *, progress: Progress | None = None) -> None:
        self._progress = progress or Progress()
        self._toolbox = Toolbox(progress=self._progress)
        self._root = run_root() / self.name
        self._layout = Layout(root=self._root, etcd=memory_root() / self.name / "etcd")
        self._lock_file = run_root() / f"{self.name}.lock"
        self._namespace = NetworkNamespace("embsvc-control-plane")
        self._supervisor = Supervisor(self._root / "processes", logs=self._root / "logs")

    @property
    def kubeconfig(self) -> Path:
        """Credentials of an administrator, usable inside the namespace."""
        return self._layout.kubeconfig

    @property
    def audit_log(self) -> Path:
        """Every request to the API server, one JSON object a line; see `audit.writes`."""
        return self._layout.audit_log

    def up(self) -> None:
        """Bring the control plane up; a healthy one made from the same inputs stays, anything else is replaced."""
        require_root("the control plane runs in a network namespace of its own")
        ensure(CONTROL_PLANE, progress=self._progress)
        self._toolbox.ensure(TOOLS)
        with self._lock():
            if self.is_healthy() and self._recorded_inputs() == self._inputs():
                return
            self._remove()
            with self._progress.step("starting the control plane", usual_seconds=10):
                self._start()

    def down(self) -> None:
        """End every process of the control plane and of its namespace and remove what they wrote."""
        with self._lock():
            if self.has_leftovers():
                with self._progress.step("taking the control plane down"):
                    self._remove()

    def remove_if_broken(self) -> bool:
        """Remove what a killed run left; one that is up or just coming up stays. Returns whether there was anything."""
        with self._lock():
            broken = self.has_leftovers() and not self.is_healthy()
            if broken:
                self._remove()
        return broken

    def is_busy(self) -> bool:
        """Whether another process brings the cluster up or down at this moment."""
        with exclusive_if_free(self._lock_file) as free:
            return not free

    def is_healthy(self) -> bool:
        """Whether every component runs and the API server is ready."""
        running = all(self._supervisor.is_running(name) for name in STOPPING_ORDER)
        return running and self._namespace.is_usable() and self._answers("/readyz")

    def has_leftovers(self) -> bool:
        """Whether anything of a control plane, healthy or not, is on this machine."""
        return self._root.exists() or self._layout.etcd.parent.exists() or self._namespace.path.exists()

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Standard output of kubectl as administrator; raises `CommandError`."""
        require_kubeconfig(self)
        within = Surroundings(timeout_seconds=timeout_seconds)
        return run(kubectl_argv(self.exec_prefix(), arguments), stdin=stdin, within=within)

    def exec_prefix(self) -> list[str]:
        """Command-line prefix that runs a program inside the namespace, with KUBECONFIG and the built programs."""
        return [*self._namespace.prefix(), *environment_prefix(self._variables())]

    def add_gpu_nodes(
        self, *, product: str, count: int, gpus: int, labels: Mapping[str, str] | None = None
    ) -> list[str]:
        """Names of `count` KWOK nodes with `gpus` GPUs each, Ready; nodes that are there already are kept."""
        nodes = gpu_node_list(product=product, count=count, gpus=gpus, labels=labels)
        batches = [nodes[start::APPLY_BATCHES] for start in range(min(APPLY_BATCHES, len(nodes)))]
        with ThreadPoolExecutor(APPLY_BATCHES) as pool:
            names = sorted(name for batch in pool.map(self._apply_nodes, batches) for name in batch)
        self._wait_for_ready_nodes(set(names))
        return names

    def stop_component(self, name: str) -> None:
        """Stop one process, for example `kube-apiserver`, to see how others stand its absence."""
        with self._lock():
            self._supervisor.stop(name)

    def start_component(self, name: str) -> None:
        """Start a stopped process again and wait until the API server is ready."""
        with self._lock():
            self._launch(name)
            self._wait_for("/readyz")

    def _start(self) -> None:
        self._root.mkdir(parents=True)
        self._layout.etcd.parent.mkdir(parents=True, exist_ok=True)
        self._namespace.create(setup=components.NETWORK_SETUP)
        self._write_files()
        self._make_certificates()
        self._launch("etcd")
        self._launch("kube-apiserver")
        # the controllers end themselves if they start before the API server has made its own roles
        self._wait_for("/readyz")
        for name in ("kube-controller-manager", "kube-scheduler", "coredns", "kwok"):
            self._launch(name)
        self._wait_for("/api/v1/namespaces/default/serviceaccounts/default")
        (self._root / "inputs").write_text(self._inputs())

    def _remove(self) -> None:
        for name in STOPPING_ORDER:
            self._supervisor.stop(name)
        self._namespace.remove()
        shutil.rmtree(self._layout.etcd.parent, ignore_errors=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def _write_files(self) -> None:
        shutil.copyfile(FILES / "audit-policy.yaml", self._layout.audit_policy)
        self._fill("kubeadm.yaml")
        self._fill("Corefile")

    def _fill(self, name: str) -> None:
        template = Template((FILES / name).read_text())
        filled = template.substitute(
            kubernetes_version=KUBERNETES_VERSION,
            pki=self._layout.pki,
            address=components.ADDRESS,
            dns_address=components.DNS_ADDRESS,
            service_subnet=components.SERVICE_SUBNET,
            kubeconfig=self.kubeconfig,
        )
        (self._root / name).write_text(filled)

    def _make_certificates(self) -> None:
        kubeadm = [str(self._toolbox.program("kubeadm")), "init", "phase"]
        config = f"--config={self._root / 'kubeadm.yaml'}"
        log = self._root / "logs" / "kubeadm.log"
        run_logged([*kubeadm, "certs", "all", config], log=log)
        run_logged([*kubeadm, "kubeconfig", "all", config, f"--kubeconfig-dir={self._layout.kubeconfigs}"], log=log)

    def _launch(self, name: str) -> None:
        self._supervisor.start(name, [*self.exec_prefix(), *self._command_line(name)])

    def _command_line(self, name: str) -> Sequence[str]:
        layout = self._layout
        match name:
            case "etcd":
                return components.etcd(layout)
            case "kube-apiserver":
                return components.api_server(layout)
            case "kube-controller-manager":
                return components.controller_manager(layout)
            case "kube-scheduler":
                return components.scheduler(layout)
            case "coredns":
                return components.coredns(layout)
            case "kwok":
                released = sorted((self._toolbox.folder(KWOK) / "stages").glob("*.yaml"))
                return components.kwok(layout, stages=[*released, FILES / "engine-stages.yaml"])
            case _:
                raise KeyError(name)

    def _wait_for(self, path: str) -> None:
        wait_until(
            lambda: self._answers(path),
            timeout_seconds=START_SECONDS,
            complaint=lambda: f"the API server does not answer {path}:\n{self._supervisor.log_tail('kube-apiserver')}",
            abort_if=self._ended_component,
        )

    def _ended_component(self) -> str | None:
        for name in self._supervisor.names():
            if not self._supervisor.is_running(name):
                return f"{name} ended:\n{self._supervisor.log_tail(name)}"
        return None

    def _answers(self, path: str) -> bool:
        within = Surroundings(timeout_seconds=10)
        return succeeds([*self.exec_prefix(), "kubectl", "get", "--raw", path], within=within)

    def _apply_nodes(self, nodes: list[dict[str, object]]) -> list[str]:
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=test-cluster", "-f", "-", "-o", "name")
        references = self.kubectl(*apply, stdin=as_list(nodes), timeout_seconds=300).split()
        return [reference.removeprefix("node/") for reference in references]

    def _wait_for_ready_nodes(self, names: set[str]) -> None:
        wait_until(
            lambda: names <= self._usable_nodes(),
            timeout_seconds=60 + len(names) / 5,
            complaint=lambda: f"{len(names - self._usable_nodes())} of {len(names)} KWOK nodes are not Ready",
        )

    def _usable_nodes(self) -> set[str]:
        try:
            nodes = json.loads(self.kubectl("get", "nodes", "-l", "type=kwok", "-o", "json"))["items"]
        except CommandError:
            return set()
        return {node["metadata"]["name"] for node in nodes if is_usable(node)}

    def _variables(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": self._toolbox.search_path(TOOLS),
            CLUSTER_VARIABLE: self.name,
        }

    def _inputs(self) -> str:
        return key_of({"tools": keys_of(TOOLS), "files": digest_of_tree(FILES, Path(components.__file__))})

    def _recorded_inputs(self) -> str | None:
        recorded = self._root / "inputs"
        return recorded.read_text() if recorded.exists() else None

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive(self._lock_file, purpose="the control plane", progress=self._progress)
