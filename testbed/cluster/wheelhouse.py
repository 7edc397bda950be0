"""Wheels for images, collected outside `docker build`, which may be unable to reach package registries."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .cache import Artefact, Cache
from .commands import Surroundings, run, run_logged
from .digests import digest_of_tree
from .paths import REPOSITORY
from .prerequisites import ensure
from .progress import Progress
from .requirements import UV

IMAGE_PYTHON = "3.11"
"""Python of the images the wheels are for."""

DOWNLOAD_TIMEOUT_SECONDS = 900.0
PROJECT_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "operator/embedding_operator")


class Wheelhouse:
    """Creates folders of wheels, each once per set of inputs."""

    def __init__(self, *, cache: Cache, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress

    def of_requirements(self, requirements: Sequence[str]) -> Path:
        """Return the folder with the wheels of these requirements and their dependencies."""
        return self._collect(_listed(requirements), options=())

    def find_of_requirements(self, requirements: Sequence[str]) -> Path | None:
        """Return that folder, if it is there."""
        return self._cache.find(_artefact_of(_listed(requirements)))

    def of_operator(self) -> Path:
        """Return the folder with the wheels of the operator and its locked requirements."""
        locked = self._collect(_locked_requirements(), options=("--require-hashes",))
        artefact = _operator_artefact(locked)

        def build(folder: Path) -> None:
            for wheel in locked.glob("*.whl"):
                os.link(wheel, folder / wheel.name)
            with self._progress.step("building the operator's wheel", usual_seconds=5):
                argv = ["uv", "build", "--wheel", f"--out-dir={folder}", str(REPOSITORY)]
                run_logged(argv, log=self._cache.log_file(artefact.name))
            (folder / ".gitignore").unlink(missing_ok=True)

        return self._cache.ensure(artefact, build=build)

    def find_of_operator(self) -> Path | None:
        """Return that folder, if it is there."""
        locked = self._cache.find(_artefact_of(_locked_requirements()))
        return None if locked is None else self._cache.find(_operator_artefact(locked))

    def _collect(self, requirements: str, *, options: Sequence[str]) -> Path:
        artefact = _artefact_of(requirements)

        def build(folder: Path) -> None:
            with tempfile.TemporaryDirectory() as name, self._progress.step("collecting wheels", usual_seconds=20):
                listed = Path(name) / "requirements.txt"
                listed.write_text(requirements)
                pip = ("uv", "run", "--no-project", f"--python={IMAGE_PYTHON}", "--with=pip", "python", "-m", "pip")
                argv = [*pip, "wheel", "--no-input", *options, f"--wheel-dir={folder}", f"--requirement={listed}"]
                within = Surroundings(folder=Path(name), timeout_seconds=DOWNLOAD_TIMEOUT_SECONDS)
                run_logged(argv, log=self._cache.log_file(artefact.name), within=within)

        ensure((UV,), progress=self._progress)
        return self._cache.ensure(artefact, build=build)


def _listed(requirements: Sequence[str]) -> str:
    return "\n".join(sorted(requirements)) + "\n"


def _artefact_of(requirements: str) -> Artefact:
    return Artefact("wheels", {"requirements": requirements, "python": IMAGE_PYTHON, "machine": os.uname().machine})


def _operator_artefact(locked: Path) -> Artefact:
    project = digest_of_tree(*(REPOSITORY / name for name in PROJECT_INPUTS))
    return Artefact("operator-wheels", {"locked": locked.name, "project": project})


def _locked_requirements() -> str:
    export = ["uv", "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--format=requirements-txt"]
    return run(export, within=Surroundings(folder=REPOSITORY))
