"""File locations: what is built once is in the cache, what a running cluster needs is in the run folder."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ASSETS = Path(__file__).resolve().parent / "assets"
PROJECT = "embedding-operator"


def cache_root() -> Path:
    """Return the folder of what is built once and kept: programs, root file systems, wheels, private Docker images."""
    override = os.environ.get("EMBEDDING_OPERATOR_CACHE")
    return Path(override).expanduser().resolve() if override else Path.home() / ".cache" / PROJECT


def tool_folder() -> Path:
    """Return the cache folder with links to programs that this project installed because the machine lacks them."""
    return cache_root() / "tools" / "bin"


def run_root() -> Path:
    """Return the folder for the state of running clusters, which `down` removes."""
    if os.geteuid() == 0:
        return Path("/run") / PROJECT
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / PROJECT if runtime else cache_root() / "run"


def memory_root() -> Path:
    """Return the folder for state that is written often and may be lost: in memory if possible."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - owned by root, and only a folder of our own in it is used
    return shared_memory / PROJECT if os.access(shared_memory, os.W_OK) else run_root() / "memory"
