"""Images for the tests: a Python base image, the operator, and Python tools, built without an image registry."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
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
PYTHON_ROOT = "python-base"
PYTHON_IMAGE = "importing the Python image"
PYTHON_REPOSITORY = f"{PROJECT}/python-base"
OPERATOR_DOCKERFILE = REPOSITORY / "operator" / "Dockerfile"
OPERATOR_SOURCES = ("pyproject.toml", "uv.lock", "README.md", "LICENSE", "operator")
TOOLBOX_DOCKERFILE = ASSETS / "docker" / "toolbox.Dockerfile"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image to build: its Dockerfile, its build arguments and its context (name in the context → file or folder)."""

    dockerfile: Path
    build_args: Mapping[str, str]
    context: Mapping[str, Path]

    @property
    def key(self) -> str:
        """Digest of all inputs."""
        contents = {name: digest_of_tree(source) for name, source in self.context.items()}
        dockerfile = self.dockerfile.read_text()
        return key_of({"dockerfile": dockerfile, "build_args": dict(self.build_args), "context": contents})


@dataclass(frozen=True, slots=True)
class PythonTools:
    """Contents of an image of Python programs. Requirements pin all versions: wheels are collected once per list."""

    name: str
    requirements: tuple[str, ...]
    source_folders: tuple[Path, ...]


class Images:
    """Builds images in a Docker engine, each once per set of inputs."""

    def __init__(self, engine: DockerEngine, *, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._toolbox = Toolbox(progress=progress)
        self._cache = self._toolbox.cache
        self._wheelhouse = Wheelhouse(cache=self._cache, progress=progress)

    def python_base(self) -> str:
        """Return an image with Python 3.11, certificates and time zones: the public one or one from Debian packages.

        Only the latter has HAProxy: the operator's Dockerfile adds it if it is missing.
        """
        reference = self._python_reference()
        if self._engine.image_id(reference) is None:
            root = debian_root(PYTHON_ROOT, packages=PYTHON_PACKAGES, cache=self._cache, progress=self._progress)
            with self._progress.step(PYTHON_IMAGE, usual_seconds=10):
                self._engine.run("import", "--change", 'CMD ["python3"]', str(root), reference)
            self._engine.forget_other_tags(reference)
        return reference

    def has_python_base(self) -> bool:
        """Return whether that image is there."""
        return self._engine.image_id(self._python_reference()) is not None

    def operator(self) -> str:
        """Return the image of the operator in the working tree."""
        recipe = self._operator_recipe(self._wheelhouse.of_operator())
        self.python_base()
        return self._build(recipe, reference=_operator_reference(recipe))

    def has_operator(self) -> bool:
        """Return whether that image is there."""
        wheels = self._wheelhouse.find_of_operator()
        if wheels is None:
            return False
        return self._engine.image_id(_operator_reference(self._operator_recipe(wheels))) is not None

    def toolbox(self, tools: PythonTools) -> str:
        """Return an image that runs Python, with the tools' requirements installed and their sources on its path."""
        recipe = self._toolbox_recipe(tools, self._wheelhouse.of_requirements(tools.requirements))
        self.python_base()
        return self._build(recipe, reference=_toolbox_reference(tools, recipe))

    def has_toolbox(self, tools: PythonTools) -> bool:
        """Return whether that image is there."""
        wheels = self._wheelhouse.find_of_requirements(tools.requirements)
        if wheels is None:
            return False
        return self._engine.image_id(_toolbox_reference(tools, self._toolbox_recipe(tools, wheels))) is not None

    def _python_reference(self) -> str:
        if not self._engine.is_private and self._engine.has_or_pulls(PUBLIC_PYTHON, progress=self._progress):
            return PUBLIC_PYTHON
        return f"{PYTHON_REPOSITORY}:{debian_artefact(PYTHON_ROOT, packages=PYTHON_PACKAGES).key}"

    def _operator_recipe(self, wheels: Path) -> Recipe:
        if not OPERATOR_DOCKERFILE.exists():
            message = f"cannot build the operator's image: there is no {OPERATOR_DOCKERFILE.relative_to(REPOSITORY)}"
            raise ClusterError(message)
        return Recipe(
            dockerfile=OPERATOR_DOCKERFILE,
            build_args={"BASE_IMAGE": self._python_reference(), "WHEELHOUSE": "wheels"},
            context={**{name: REPOSITORY / name for name in OPERATOR_SOURCES}, "wheels": wheels},
        )

    def _toolbox_recipe(self, tools: PythonTools, wheels: Path) -> Recipe:
        sources = {f"sources/{folder.name}": folder for folder in tools.source_folders}
        return Recipe(
            dockerfile=TOOLBOX_DOCKERFILE,
            build_args={"BASE_IMAGE": self._python_reference()},
            context={**sources, "wheels": wheels},
        )

    def _build(self, recipe: Recipe, *, reference: str) -> str:
        if self._engine.image_id(reference) is not None:
            return reference
        name = f"image-{re.sub(r'[^a-z0-9]+', '-', reference.rpartition(':')[0])}"
        log = self._cache.log_file(name)
        with (
            self._cache.workspace(name, purpose=f"building {reference}") as context,
            self._progress.step(f"building the image {reference}", usual_seconds=30),
        ):
            for place, source in recipe.context.items():
                _place(source, context / place)
            log.unlink(missing_ok=True)
            self._engine.build(
                context, tag=reference, dockerfile=recipe.dockerfile, build_args=recipe.build_args, log=log
            )
        self._engine.forget_other_tags(reference)
        return reference


def _operator_reference(recipe: Recipe) -> str:
    return f"{PROJECT}:dev-{recipe.key}"


def _toolbox_reference(tools: PythonTools, recipe: Recipe) -> str:
    return f"{PROJECT}/{tools.name}:{recipe.key}"


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(source, target)
