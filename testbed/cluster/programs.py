"""Where programs are found: what this project installed into its cache, then the search path, then system folders.

Every program that a step starts is looked up here, and every program that it starts in turn has the same search path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from .paths import tool_folder

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Folders that an ordinary user's search path leaves out."""


def search_path(variables: Mapping[str, str] = os.environ) -> str:
    """Value of PATH for a step: the cache's programs, the PATH in `variables`, the system's folders."""
    given = variables.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([str(tool_folder()), *given, *SYSTEM_FOLDERS]))


def find_program(name: str) -> str | None:
    """Path of a program; None if it is nowhere."""
    return shutil.which(name, path=search_path())


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of a program: this process's own with the full search path; `variables` win."""
    return {**os.environ, "PATH": search_path(), **(variables or {})}
