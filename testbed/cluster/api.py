"""What every test cluster offers, whichever way it came to be."""

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
        """Credentials of an administrator; the operator and its tests make themselves narrower ones from it."""

    def up(self) -> None:
        """Bring the cluster up; one that is up already stays as it is."""

    def down(self) -> None:
        """Take the cluster away and leave nothing behind."""

    def is_healthy(self) -> bool:
        """Whether the cluster is up and answers."""

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Standard output of kubectl; raises `CommandError`."""

    def exec_prefix(self) -> list[str]:
        """Command-line prefix that runs a program against this cluster, in the network where the cluster is reached."""


def environment_prefix(variables: Mapping[str, str]) -> list[str]:
    """Command-line prefix that runs a program with these environment variables."""
    return ["env", *(f"{name}={value}" for name, value in sorted(variables.items()))]


def kubectl_argv(prefix: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """Command line of kubectl that gives up on a silent server instead of waiting for ever."""
    watching = any(argument in {"wait", "rollout", "-w", "--watch"} for argument in arguments)
    limit = [] if watching else ["--request-timeout=30s"]
    return [*prefix, "kubectl", *limit, *arguments]


def require_kubeconfig(cluster: Cluster) -> None:
    """Raise `ClusterError` if the cluster is not there; kubectl would try one on this machine's port 8080 instead."""
    if not cluster.kubeconfig.exists():
        message = f"the {cluster.name} cluster is not up: python -m testbed.cluster up {cluster.name}"
        raise ClusterError(message)
