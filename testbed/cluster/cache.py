"""The cache of build artefacts: each in a folder named after a digest of its inputs, published whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .digests import key_of
from .locks import exclusive, exclusive_if_free
from .paths import cache_root
from .progress import Progress

WORKSPACES = "workspaces"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A thing to build: its name and every input that affects the result (JSON-like values)."""

    name: str
    inputs: Mapping[str, object]

    @property
    def key(self) -> str:
        """Digest of the inputs."""
        return key_of(self.inputs)


class Cache:
    """Finds existing artefacts and builds missing ones."""

    def __init__(self, *, progress: Progress, root: Path | None = None) -> None:
        self.root = root or cache_root()
        self._progress = progress

    def find(self, artefact: Artefact) -> Path | None:
        """Return the folder of the artefact, or None if it has not been built from these inputs."""
        folder = self.folder_of(artefact)
        return folder if folder.is_dir() else None

    def folder_of(self, artefact: Artefact) -> Path:
        """Return the folder in which the artefact is or will be."""
        return self.root / artefact.name / artefact.key

    def ensure(self, artefact: Artefact, *, build: Callable[[Path], None]) -> Path:
        """Return the folder of the artefact, built by `build(empty_folder)` if it does not exist yet.

        The folder gets its name only once `build` has returned; leftovers of a killed build are removed first.
        """
        found = self.find(artefact)
        if found is not None:
            return found
        with exclusive(self.lock_file(artefact.name), purpose=f"building {artefact.name}", progress=self._progress):
            return self.find(artefact) or self._build(artefact, build)

    @contextmanager
    def workspace(self, name: str, *, purpose: str) -> Iterator[Path]:
        """Yield an empty folder for work that no other process does at the same time; remove it at the end."""
        folder = self.root / WORKSPACES / name
        with exclusive(self.lock_file(name), purpose=purpose, progress=self._progress):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def lock_file(self, name: str) -> Path:
        """Return the lock file that a process holds while it builds something called `name`."""
        return self.root / "locks" / f"{name}.lock"

    def log_file(self, name: str) -> Path:
        """Return the log file of the programs that build something called `name`."""
        return self.root / "logs" / f"{name}.log"

    def remove_unfinished(self) -> list[str]:
        """Remove leftovers of killed builds, leave running builds alone, and return the names of what was removed."""
        unfinished = {folder: folder.parent.name for folder in self.root.glob("*/.unfinished-*")}
        unfinished |= {folder: folder.name for folder in self.root.glob(f"{WORKSPACES}/*")}
        removed = []
        for folder, name in sorted(unfinished.items()):
            with exclusive_if_free(self.lock_file(name)) as nobody_builds:
                if nobody_builds and folder.exists():
                    shutil.rmtree(folder)
                    removed.append(name)
        return removed

    def _build(self, artefact: Artefact, build: Callable[[Path], None]) -> Path:
        target = self.folder_of(artefact)
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(".unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.log_file(artefact.name).unlink(missing_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".unfinished-{artefact.key}-", dir=target.parent))
        unfinished.chmod(0o755)
        try:
            build(unfinished)
            unfinished.replace(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return target
