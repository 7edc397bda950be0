"""A cluster that this project did not create: used as it is, changed only by what tests apply, never deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from .api import CLUSTER_VARIABLE, environment_prefix, kubectl_argv
from .commands import CommandError, Surroundings, run
from .errors import ClusterError
from .progress import Progress
from .toolbox import Toolbox
from .tools import HELM, KUBECTL

KUBECONFIG_VARIABLE = "EMBEDDING_OPERATOR_KUBECONFIG"
TOOLS = (KUBECTL, HELM)


class ExistingCluster:
    """The cluster that EMBEDDING_OPERATOR_KUBECONFIG names."""

    name = "existing"

    def __init__(self, kubeconfig: Path, *, progress: Progress | None = None) -> None:
        self._kubeconfig = kubeconfig
        self._toolbox = Toolbox(progress=progress or Progress())

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> ExistingCluster | None:
        """Return the cluster that the environment names; None if it names none."""
        named = variables.get(KUBECONFIG_VARIABLE)
        return cls(Path(named).expanduser()) if named else None

    @property
    def kubeconfig(self) -> Path:
        """The file that names the cluster."""
        return self._kubeconfig

    def up(self) -> None:
        """Make sure that the cluster responds; otherwise raise a `ClusterError` that names the variable."""
        if not self._kubeconfig.is_file():
            message = f"{KUBECONFIG_VARIABLE} names {self._kubeconfig}, which is not a file"
            raise ClusterError(message)
        try:
            self.kubectl("get", "--raw", "/readyz")
        except CommandError as failure:
            message = f"the cluster that {KUBECONFIG_VARIABLE} names does not respond: {failure}"
            raise ClusterError(message) from failure

    def down(self) -> None:
        """Leave the cluster as it is: this project did not create it."""

    def is_healthy(self) -> bool:
        """Return whether the API server is ready."""
        try:
            self.up()
        except ClusterError:
            return False
        return True

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Return the standard output of kubectl; raise `CommandError`."""
        within = Surroundings(timeout_seconds=timeout_seconds)
        return run(kubectl_argv(self.exec_prefix(), arguments), stdin=stdin, within=within)

    def exec_prefix(self) -> list[str]:
        """Return a command-line prefix that runs a program with KUBECONFIG and the built programs."""
        variables = {
            "KUBECONFIG": str(self._kubeconfig),
            "PATH": self._toolbox.search_path(TOOLS),
            CLUSTER_VARIABLE: self.name,
        }
        return environment_prefix(variables)
