"""Keys of artefacts: a digest of all their inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

KEY_LENGTH = 12


def key_of(inputs: Mapping[str, object]) -> str:
    """Return twelve hexadecimal digits that change with any of the JSON-like `inputs`, not with the order of keys."""
    canonical = json.dumps(inputs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:KEY_LENGTH]


def digest_of_tree(*roots: Path) -> str:
    """Return a digest of the names, execute bits and contents of all files under `roots` except compiled Python."""
    digest = hashlib.sha256()
    for root in roots:
        for path in _files(root):
            name = path.relative_to(root).as_posix() if path != root else path.name
            executable = "x" if path.stat().st_mode & 0o100 else "-"
            digest.update(f"{name}\0{executable}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path) -> Iterable[Path]:
    if root.is_file():
        return [root]
    return sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
