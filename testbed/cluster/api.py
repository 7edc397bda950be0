"""The interface of every test cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .errors import ClusterError

CLUSTER_VARIABLE = "EMBEDDING_OPERATOR_CLUSTER"


class Cluster(Protocol):
    """A Kubernetes cluster to test on."""

    @property
    def name(self) -> str:
        """`control-plane`, `kind` or `existing`."""

    @property
    def kubeconfig(self) -> Path:
        """Administrator credentials; the operator and its tests derive narrower ones from them."""

    def up(self) -> None:
        """Create the cluster; one that is up already stays as it is."""

    def down(self) -> None:
        """Delete the cluster and leave nothing behind."""

    def is_healthy(self) -> bool:
        """Return whether the cluster is up and responds."""

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Return the standard output of kubectl; raise `CommandError`."""

    def exec_prefix(self) -> list[str]:
        """Return a command-line prefix that runs a program against this cluster, in a network that reaches it."""


def environment_prefix(variables: Mapping[str, str]) -> list[str]:
    """Return a command-line prefix that runs a program with these environment variables."""
    return ["env", *(f"{name}={value}" for name, value in sorted(variables.items()))]


def kubectl_argv(prefix: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Return a kubectl command line that gives up on an unresponsive server instead of waiting forever."""
    watching = any(argument in {"wait", "rollout", "-w", "--watch"} for argument in arguments)
    limit = [] if watching else ["--request-timeout=30s"]
    return [*prefix, "kubectl", *limit, *arguments]


def require_kubeconfig(cluster: Cluster) -> None:
    """Raise `ClusterError` if the cluster does not exist; kubectl would try port 8080 of this machine instead."""
    if not cluster.kubeconfig.exists():
        message = f"the {cluster.name} cluster is not up: python -m testbed.cluster up {cluster.name}"
        raise ClusterError(message)
