"""The built programs, by name: the only place that knows which tool contains which program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .cache import Cache
from .gobuild import GoBuilder, artefact_of
from .programs import search_path
from .progress import Progress
from .tools import CORE, PEERS, Tool


class Toolbox:
    """Provides the programs of pinned tools, building each tool on first use."""

    def __init__(self, *, progress: Progress, cache: Cache | None = None) -> None:
        self.cache = cache or Cache(progress=progress)
        self._builder = GoBuilder(self.cache, progress=progress)

    def program(self, name: str) -> Path:
        """Return the path of a built program, for example `kubectl`."""
        return self.folder(tool_of(name)) / "bin" / name

    def folder(self, tool: Tool) -> Path:
        """Return the folder of a built tool."""
        return self._builder.ensure(tool)

    def ensure(self, tools: Iterable[Tool]) -> None:
        """Build the tools that do not exist yet."""
        for tool in tools:
            self.folder(tool)

    def search_path(self, tools: Iterable[Tool]) -> str:
        """Return a PATH in which the programs of the tools come first."""
        folders = [str(self.folder(tool) / "bin") for tool in tools]
        return os.pathsep.join([*folders, search_path()])


def tool_of(program: str) -> Tool:
    """Return the tool that contains a program; raise KeyError if no pinned tool does."""
    for tool in (*CORE, *PEERS):
        if any(candidate.name == program for candidate in tool.programs):
            return tool
    raise KeyError(program)


def keys_of(tools: Iterable[Tool]) -> dict[str, str]:
    """Return the key of each tool, for artefacts that are built from tools."""
    return {tool.name: artefact_of(tool).key for tool in tools}
