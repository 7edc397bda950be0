"""Cleanup of what a killed Docker engine leaves running and mounted, which would break a new engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .commands import run
from .processes import all_pids, command_line, identify, own_lineage, read_stat, terminate

ENGINE_PROGRAMS = frozenset({"dockerd", "containerd", "containerd-shim-runc-v2", "runc"})


def end_processes(root: Path) -> None:
    """End the engine processes that were started with state below `root`, and their containers."""
    parents = {pid: stat.parent for pid in all_pids() if (stat := read_stat(pid)) is not None}
    engine = {pid for pid in parents if belongs_to_engine(command_line(pid), root=root)}
    doomed = with_descendants(engine, parents=parents) - own_lineage()
    terminate([identity for pid in sorted(doomed) if (identity := identify(pid)) is not None], grace_seconds=1)


def unmount_below(*folders: Path) -> None:
    """Unmount everything that is mounted on or below the folders, innermost first."""
    for place in mounts_below(Path("/proc/self/mounts").read_text(), folders=folders):
        run(["umount", "--lazy", place])


def belongs_to_engine(argv: Sequence[str], *, root: Path) -> bool:
    """Return whether a command line is a program of a Docker engine whose state is below `root`."""
    return bool(argv) and Path(argv[0]).name in ENGINE_PROGRAMS and any(f"{root}/" in argument for argument in argv)


def with_descendants(pids: Iterable[int], *, parents: Mapping[int, int]) -> set[int]:
    """Return the processes and all their descendants."""
    found = set(pids)
    while grown := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= grown
    return found


def mounts_below(table: str, *, folders: Sequence[Path]) -> list[str]:
    """Mount points on or below the folders in a table like /proc/mounts, last mounted first."""
    points = [_unescaped(line.split()[1]) for line in table.splitlines()]
    return [point for point in reversed(points) if any(Path(point).is_relative_to(folder) for folder in folders)]


def _unescaped(point: str) -> str:
    return point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
