"""The built programs, by name: the one place that knows which tool brings which program."""

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
    """Gives programs of pinned tools, building each tool the first time it is asked for."""

    def __init__(self, *, progress: Progress, cache: Cache | None = None) -> None:
        self.cache = cache or Cache(progress=progress)
        self._builder = GoBuilder(self.cache, progress=progress)

    def program(self, name: str) -> Path:
        """Path of a built program, for example `kubectl`."""
        return self.folder(tool_of(name)) / "bin" / name

    def folder(self, tool: Tool) -> Path:
        """Folder of a built tool."""
        return self._builder.ensure(tool)

    def ensure(self, tools: Iterable[Tool]) -> None:
        """Build those of the tools that are not there yet."""
        for tool in tools:
            self.folder(tool)

    def search_path(self, tools: Iterable[Tool]) -> str:
        """Value for PATH under which the programs of the tools come first."""
        folders = [str(self.folder(tool) / "bin") for tool in tools]
        return os.pathsep.join([*folders, search_path()])


def tool_of(program: str) -> Tool:
    """The tool that brings a program; raises KeyError for a program that no pinned tool brings."""
    for tool in (*CORE, *PEERS):
        if any(candidate.name == program for candidate in tool.programs):
            return tool
    raise KeyError(program)


def keys_of(tools: Iterable[Tool]) -> dict[str, str]:
    """Key of each tool, for things that are made from tools."""
    return {tool.name: artefact_of(tool).key for tool in tools}
