"""A separate network namespace: the control plane's addresses exist in it and nowhere else on the machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import CommandError, run, succeeds
from .processes import ProcessIdentity, all_pids, identify, own_lineage, terminate

NAMESPACES = Path("/run/netns")


@dataclass(frozen=True, slots=True)
class NetworkNamespace:
    """A named network namespace."""

    name: str

    @property
    def path(self) -> Path:
        """File that represents the namespace."""
        return NAMESPACES / self.name

    def prefix(self) -> list[str]:
        """Return a command-line prefix to run a program inside; `ip netns exec` would hide the control groups."""
        return ["nsenter", f"--net={self.path}"]

    def is_usable(self) -> bool:
        """Return whether programs can run inside."""
        return self.path.exists() and succeeds([*self.prefix(), "true"])

    def create(self, *, setup: Sequence[Sequence[str]]) -> None:
        """Create the namespace and run the `setup` commands inside; replace a namespace that a killed run left."""
        self.remove()
        run(["ip", "netns", "add", self.name])
        for command in setup:
            run([*self.prefix(), *command])

    def remove(self) -> None:
        """End every process inside, except this one and its ancestors, and delete the namespace."""
        if not self.path.exists():
            return
        terminate(self.processes())
        try:
            run(["ip", "netns", "delete", self.name])
        except CommandError:
            if self.path.exists():
                raise

    def processes(self) -> list[ProcessIdentity]:
        """Return the processes inside, except this one and its ancestors."""
        try:
            namespace = self.path.stat()
        except FileNotFoundError:
            return []
        spared = own_lineage()
        inside = [pid for pid in all_pids() if pid not in spared and _is_inside(pid, namespace)]
        return [identity for pid in inside if (identity := identify(pid)) is not None]


def _is_inside(pid: int, namespace: os.stat_result) -> bool:
    try:
        own = Path(f"/proc/{pid}/ns/net").stat()
    except OSError:
        return False
    return (own.st_dev, own.st_ino) == (namespace.st_dev, namespace.st_ino)
