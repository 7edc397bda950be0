"""A real control plane as processes in a network namespace: starts in seconds, thousands of fake GPUs, no containers.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler, CoreDNS and KWOK. Clients reach it only from inside the
namespace, through `exec_prefix()`. `down` finds all its processes and files, even after a killed run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template

from . import components
from .api import CLUSTER_VARIABLE, environment_prefix
from .commands import CommandError, Surroundings, run_logged, succeeds
from .components import Layout
from .digests import digest_of_tree, key_of
from .kwok import as_list, gpu_node_list
from .machine_cluster import MachineCluster
from .network import NetworkNamespace
from .node_conditions import is_usable
from .paths import ASSETS, memory_root
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


class ControlPlane(MachineCluster):
    """The control-plane test cluster of this machine; there is one per machine."""

    def __init__(self, *, progress: Progress | None = None) -> None:
        super().__init__("control-plane", described="the control plane", progress=progress)
        self._toolbox = Toolbox(progress=self._progress)
        self._layout = Layout(root=self._root, etcd=memory_root() / self.name / "etcd")
        self._namespace = NetworkNamespace("embsvc-control-plane")
        self._supervisor = Supervisor(self._root / "processes", logs=self._root / "logs")

    @property
    def kubeconfig(self) -> Path:
        """Administrator credentials, usable inside the namespace."""
        return self._layout.kubeconfig

    @property
    def audit_log(self) -> Path:
        """Log of every request to the API server, one JSON object per line; see `audit.writes`."""
        return self._layout.audit_log

    def up(self) -> None:
        """Start the control plane; a healthy one with the same inputs is kept, anything else is replaced."""
        require_root("the control plane runs in its own network namespace")
        ensure(CONTROL_PLANE, progress=self._progress)
        self._toolbox.ensure(TOOLS)
        with self._lock():
            if self.is_healthy() and self._recorded_inputs() == self._inputs():
                return
            self._remove()
            with self._progress.step("starting the control plane", usual_seconds=10):
                self._start()

    def down(self) -> None:
        """Stop every process of the control plane and in its namespace, and remove their files."""
        with self._lock():
            if self.has_leftovers():
                with self._progress.step("stopping the control plane"):
                    self._remove()

    def is_healthy(self) -> bool:
        """Return whether every component runs and the API server is ready."""
        running = all(self._supervisor.is_running(name) for name in STOPPING_ORDER)
        return running and self._namespace.is_usable() and self._answers("/readyz")

    def has_leftovers(self) -> bool:
        """Return whether this machine has anything of a control plane, healthy or not."""
        return self._root.exists() or self._layout.etcd.parent.exists() or self._namespace.path.exists()

    def exec_prefix(self) -> list[str]:
        """Return a command-line prefix that runs a program in the namespace, with KUBECONFIG and the built programs."""
        return [*self._namespace.prefix(), *environment_prefix(self._variables())]

    def add_gpu_nodes(
        self, *, product: str, count: int, gpus: int, labels: Mapping[str, str] | None = None
    ) -> list[str]:
        """Return the names of `count` Ready KWOK nodes with `gpus` GPUs each; existing nodes are kept."""
        nodes = gpu_node_list(product=product, count=count, gpus=gpus, labels=labels)
        batches = [nodes[start::APPLY_BATCHES] for start in range(min(APPLY_BATCHES, len(nodes)))]
        with ThreadPoolExecutor(APPLY_BATCHES) as pool:
            names = sorted(name for batch in pool.map(self._apply_nodes, batches) for name in batch)
        self._wait_for_ready_nodes(set(names))
        return names

    def stop_component(self, name: str) -> None:
        """Stop one process, for example `kube-apiserver`, to see how others cope without it."""
        with self._lock():
            self._supervisor.stop(name)

    def start_component(self, name: str) -> None:
        """Restart a stopped process and wait until the API server is ready."""
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
        # the controllers exit if they start before the API server has created its own roles
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
            complaint=lambda: (
                f"the API server does not respond to {path}:\n{self._supervisor.log_tail('kube-apiserver')}"
            ),
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
