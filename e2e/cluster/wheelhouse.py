"""Wheels of everything an image needs, made outside `docker build`, where package registries may not be reachable."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .cache import Artefact, Cache
from .commands import Surroundings, run, run_logged
from .digests import digest_of_tree
from .paths import REPOSITORY
from .prerequisites import require_uv
from .progress import Progress

IMAGE_PYTHON = "3.11"
"""Python of the images the wheels are for."""

DOWNLOAD_TIMEOUT_SECONDS = 900.0
PROJECT_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "operator/embedding_operator")


class Wheelhouse:
    """Makes folders of wheels, each once per set of inputs."""

    def __init__(self, *, cache: Cache, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress

    def of_requirements(self, requirements: Sequence[str]) -> Path:
        """Folder with the wheels of these requirements and of all they require."""
        return self._wheels("\n".join(sorted(requirements)) + "\n", options=())

    def of_operator(self) -> Path:
        """Folder with the wheels of the operator's locked requirements and of the operator itself."""
        locked = self._wheels(_locked_requirements(), options=("--require-hashes",))
        project = digest_of_tree(*(REPOSITORY / name for name in PROJECT_INPUTS))
        artefact = Artefact("operator-wheels", {"locked": locked.name, "project": project})

        def build(folder: Path) -> None:
            for wheel in locked.glob("*.whl"):
                os.link(wheel, folder / wheel.name)
            with self._progress.step("building the operator's wheel", expected_seconds=5):
                argv = ["uv", "build", "--wheel", f"--out-dir={folder}", str(REPOSITORY)]
                run_logged(argv, log=self._cache.log_file(artefact.name))
            (folder / ".gitignore").unlink(missing_ok=True)

        return self._cache.ensure(artefact, build=build)

    def _wheels(self, requirements: str, *, options: Sequence[str]) -> Path:
        inputs = {"requirements": requirements, "python": IMAGE_PYTHON, "machine": os.uname().machine}
        artefact = Artefact("wheels", inputs)

        def build(folder: Path) -> None:
            with tempfile.TemporaryDirectory() as name, self._progress.step("collecting wheels", expected_seconds=20):
                listed = Path(name) / "requirements.txt"
                listed.write_text(requirements)
                pip = ("uv", "run", "--no-project", f"--python={IMAGE_PYTHON}", "--with=pip", "python", "-m", "pip")
                argv = [*pip, "wheel", "--no-input", *options, f"--wheel-dir={folder}", f"--requirement={listed}"]
                within = Surroundings(folder=Path(name), timeout_seconds=DOWNLOAD_TIMEOUT_SECONDS)
                run_logged(argv, log=self._cache.log_file(artefact.name), within=within)

        require_uv()
        return self._cache.ensure(artefact, build=build)


def copy_wheels(wheels: Path, target: Path) -> None:
    """Copy a folder of wheels into a build context."""
    shutil.copytree(wheels, target)


def _locked_requirements() -> str:
    require_uv()
    export = ["uv", "export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--format=requirements-txt"]
    return run(export, within=Surroundings(folder=REPOSITORY))
