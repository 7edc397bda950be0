"""Images for the tests: a Python to build on, the operator, and Python tools, built without an image registry."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .debian_root import artefact_of as debian_artefact
from .debian_root import debian_root
from .digests import digest_of_tree, key_of
from .docker_engine import DockerEngine
from .errors import ClusterError
from .paths import ASSETS, PROJECT, REPOSITORY
from .progress import Progress
from .toolbox import Toolbox
from .wheelhouse import Wheelhouse

PUBLIC_PYTHON = "python:3.11-slim-bookworm"
PYTHON_PACKAGES = ("python3", "python3-venv", "ca-certificates", "tzdata", "haproxy", "libjemalloc2")
PYTHON_REPOSITORY = f"{PROJECT}/python-base"
OPERATOR_DOCKERFILE = REPOSITORY / "operator" / "Dockerfile"
OPERATOR_SOURCES = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "operator")
TOOLBOX_DOCKERFILE = ASSETS / "docker" / "toolbox.Dockerfile"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image to build: its Dockerfile, its build arguments and its context (name in it → file or folder)."""

    dockerfile: Path
    build_args: Mapping[str, str]
    context: Mapping[str, Path]

    @property
    def key(self) -> str:
        """Digest of all inputs."""
        contents = {name: digest_of_tree(source) for name, source in self.context.items()}
        dockerfile = self.dockerfile.read_text()
        return key_of({"dockerfile": dockerfile, "build_args": dict(self.build_args), "context": contents})


class Images:
    """Builds images in a Docker engine, each once per set of inputs."""

    def __init__(self, engine: DockerEngine, *, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._toolbox = Toolbox(progress=progress)
        self._cache = self._toolbox.cache
        self._wheelhouse = Wheelhouse(cache=self._cache, progress=progress)

    def python_base(self) -> str:
        """Image with Python 3.11, certificates and time zones: the public one, or one made from Debian's packages.

        Of the two only the latter has HAProxy: the operator's Dockerfile adds it where it is missing.
        """
        if not self._engine.is_private and self._engine.has_or_pulls(PUBLIC_PYTHON, progress=self._progress):
            return PUBLIC_PYTHON
        reference = f"{PYTHON_REPOSITORY}:{debian_artefact('python-base', packages=PYTHON_PACKAGES).key}"
        if self._engine.image_id(reference) is None:
            root = debian_root("python-base", packages=PYTHON_PACKAGES, cache=self._cache, progress=self._progress)
            self._engine.run("import", "--change", 'CMD ["python3"]', str(root), reference)
            self._engine.forget_other_tags(reference)
        return reference

    def operator(self) -> str:
        """Image of the operator in the working tree."""
        if not OPERATOR_DOCKERFILE.exists():
            message = f"there is no {OPERATOR_DOCKERFILE.relative_to(REPOSITORY)} to build the operator's image from"
            raise ClusterError(message)
        sources = {name: REPOSITORY / name for name in OPERATOR_SOURCES}
        recipe = Recipe(
            dockerfile=OPERATOR_DOCKERFILE,
            build_args={"BASE_IMAGE": self.python_base(), "WHEELHOUSE": "wheels"},
            context={**sources, "wheels": self._wheelhouse.of_operator()},
        )
        return self._build(recipe, reference=f"{PROJECT}:dev-{recipe.key}")

    def toolbox(self, *, name: str, requirements: Sequence[str], source_folders: Sequence[Path]) -> str:
        """Image with a Python environment of `requirements` and `source_folders` on its path; it runs Python.

        Requirements pin what they need: the wheels are collected once per list.
        """
        sources = {f"sources/{folder.name}": folder for folder in source_folders}
        recipe = Recipe(
            dockerfile=TOOLBOX_DOCKERFILE,
            build_args={"BASE_IMAGE": self.python_base()},
            context={**sources, "wheels": self._wheelhouse.of_requirements(requirements)},
        )
        return self._build(recipe, reference=f"{PROJECT}/{name}:{recipe.key}")

    def _build(self, recipe: Recipe, *, reference: str) -> str:
        if self._engine.image_id(reference) is not None:
            return reference
        name = f"image-{re.sub(r'[^a-z0-9]+', '-', reference.rpartition(':')[0])}"
        log = self._cache.log_file(name)
        with (
            self._cache.workspace(name, purpose=f"building {reference}") as context,
            self._progress.step(f"building the image {reference}", expected_seconds=30),
        ):
            for place, source in recipe.context.items():
                _place(source, context / place)
            log.unlink(missing_ok=True)
            self._engine.build(
                context, tag=reference, dockerfile=recipe.dockerfile, build_args=recipe.build_args, log=log
            )
        self._engine.forget_other_tags(reference)
        return reference


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
