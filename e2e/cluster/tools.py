"""The programs the test clusters are made of, pinned: where each comes from and how long a first build takes.

Times are for two cores with an empty Go build cache; with a filled one each takes seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

KUBERNETES_VERSION = "v1.36.4"


class Recipe(Enum):
    """How the Go command is made to take exactly the dependency versions a tool was released with."""

    INSTALL = "install"
    """`go install`: for modules without replace directives."""
    OWN_MODULE = "own-module"
    """A module that requires only this tool and repeats its replace directives; `replaces` stands for local ones."""
    KUBERNETES = "kubernetes"
    """As OWN_MODULE, with every staging module replaced by its published version."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of a tool: its name, its package below the module ('' is the module), a first build's seconds."""

    name: str
    package: str
    first_build_seconds: float


@dataclass(frozen=True, slots=True)
class Tool:
    """A Go module at a version, the programs built from it, and files of it kept with them (target → source)."""

    name: str
    module: str
    version: str
    programs: tuple[Program, ...]
    recipe: Recipe = Recipe.INSTALL
    replaces: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


KUBERNETES = Tool(
    name="kubernetes",
    module="k8s.io/kubernetes",
    version=KUBERNETES_VERSION,
    recipe=Recipe.KUBERNETES,
    programs=(
        Program("kube-apiserver", "cmd/kube-apiserver", 240),
        Program("kube-controller-manager", "cmd/kube-controller-manager", 45),
        Program("kube-scheduler", "cmd/kube-scheduler", 10),
        Program("kubelet", "cmd/kubelet", 30),
        Program("kube-proxy", "cmd/kube-proxy", 10),
        Program("kubeadm", "cmd/kubeadm", 10),
        Program("kubectl", "cmd/kubectl", 20),
    ),
)
ETCD = Tool(
    name="etcd",
    module="go.etcd.io/etcd/server/v3",
    version="v3.6.10",
    recipe=Recipe.OWN_MODULE,
    programs=(Program("etcd", "", 20),),
)
KWOK = Tool(
    name="kwok",
    module="sigs.k8s.io/kwok",
    version="v0.8.0",
    programs=(Program("kwok", "cmd/kwok", 90),),
    files={
        "stages/node-initialize.yaml": "kustomize/stage/node/fast/node-initialize.yaml",
        "stages/node-heartbeat.yaml": "kustomize/stage/node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "stages/pod-delete.yaml": "kustomize/stage/pod/fast/pod-delete.yaml",
    },
)
HELM = Tool(
    name="helm",
    module="helm.sh/helm/v4",
    version="v4.3.1",
    programs=(Program("helm", "cmd/helm", 60),),
)
COREDNS = Tool(
    name="coredns",
    module="github.com/coredns/coredns",
    version="v1.14.7",
    programs=(Program("coredns", "", 90),),
)
CONTAINERD = Tool(
    name="containerd",
    module="github.com/containerd/containerd/v2",
    version="v2.2.1",
    programs=(
        Program("containerd", "cmd/containerd", 40),
        Program("ctr", "cmd/ctr", 10),
        Program("containerd-shim-runc-v2", "cmd/containerd-shim-runc-v2", 5),
    ),
)
CNI_PLUGINS = Tool(
    name="cni-plugins",
    module="github.com/containernetworking/plugins",
    version="v1.9.0",
    programs=(
        Program("bridge", "plugins/main/bridge", 5),
        Program("loopback", "plugins/main/loopback", 2),
        Program("host-local", "plugins/ipam/host-local", 2),
        Program("portmap", "plugins/meta/portmap", 2),
    ),
)
KUBECONFORM = Tool(
    name="kubeconform",
    module="github.com/yannh/kubeconform",
    version="v0.7.0",
    programs=(Program("kubeconform", "cmd/kubeconform", 10),),
)
KIND = Tool(
    name="kind",
    module="sigs.k8s.io/kind",
    version="v0.33.0",
    programs=(Program("kind", "", 15),),
)
KEDA = Tool(
    name="keda",
    module="github.com/kedacore/keda/v2",
    version="v2.20.2",
    recipe=Recipe.OWN_MODULE,
    programs=(Program("keda", "cmd/operator", 120), Program("keda-adapter", "cmd/adapter", 15)),
    files={"crds": "config/crd/bases"},
)

CORE = (KUBERNETES, ETCD, KWOK, HELM, COREDNS, CONTAINERD, CNI_PLUGINS, KUBECONFORM, KIND)
PEERS = (KEDA,)
