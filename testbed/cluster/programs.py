"""Where programs are found: this project's cache, then PATH, then system folders.

Every program that a step starts is looked up here, and inherits the same search path for its own programs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping

from .paths import tool_folder

SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Folders that are missing from an ordinary user's PATH."""


def search_path(variables: Mapping[str, str] = os.environ) -> str:
    """Return the PATH of a step: the cache's programs, the PATH in `variables`, system folders."""
    given = variables.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(dict.fromkeys([str(tool_folder()), *given, *SYSTEM_FOLDERS]))


def find_program(name: str) -> str | None:
    """Return the path of a program; None if it is not found."""
    return shutil.which(name, path=search_path())


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a program's environment: this process's own with the full search path; `variables` take precedence."""
    return {**os.environ, "PATH": search_path(), **(variables or {})}
