"""What the clusters that run on this machine share: there is one of each, behind a lock, removed after a kill."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from .api import kubectl_argv, require_kubeconfig
from .commands import Surroundings, run
from .locks import exclusive, exclusive_if_free
from .paths import run_root
from .progress import Progress


class MachineCluster(ABC):
    """A cluster of this machine, called `name`; `described` is how messages call it."""

    def __init__(self, name: str, *, described: str, progress: Progress | None) -> None:
        self.name = name
        self._described = described
        self._progress = progress or Progress()
        self._root = run_root() / name
        self._lock_file = run_root() / f"{name}.lock"

    def remove_if_broken(self) -> bool:
        """Remove what a killed run left and return whether that was anything; a healthy or starting cluster stays."""
        with self._lock():
            broken = self.has_leftovers() and not self.is_healthy()
            if broken:
                self._remove()
        return broken

    def is_busy(self) -> bool:
        """Return whether another process is starting or stopping the cluster."""
        with exclusive_if_free(self._lock_file) as free:
            return not free

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_seconds: float = 60) -> str:
        """Return the standard output of kubectl as administrator; raise `CommandError`."""
        require_kubeconfig(self)
        within = Surroundings(timeout_seconds=timeout_seconds)
        return run(kubectl_argv(self.exec_prefix(), arguments), stdin=stdin, within=within)

    @property
    @abstractmethod
    def kubeconfig(self) -> Path:
        """Administrator credentials."""

    @abstractmethod
    def up(self) -> None:
        """Create the cluster; a healthy one with the same inputs is kept."""

    @abstractmethod
    def down(self) -> None:
        """Delete the cluster and leave nothing behind."""

    @abstractmethod
    def is_healthy(self) -> bool:
        """Return whether the cluster is up and responds."""

    @abstractmethod
    def has_leftovers(self) -> bool:
        """Return whether this machine has anything of the cluster, healthy or not."""

    @abstractmethod
    def exec_prefix(self) -> list[str]:
        """Return a command-line prefix that runs a program against this cluster, in a network that reaches it."""

    @abstractmethod
    def _remove(self) -> None:
        """Delete everything of the cluster, however much of it there is."""

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive(self._lock_file, purpose=self._described, progress=self._progress)
