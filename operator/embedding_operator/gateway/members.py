"""The engines that the cluster last listed, on disk: the containers of a pod may restart while the API server is away.

The file lies in a volume that outlives a container but not the pod.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from embedding_operator.gateway.endpoints import Endpoint

_MEMBERS = TypeAdapter(tuple[Endpoint, ...])


def write_members(path: Path, endpoints: Iterable[Endpoint]) -> None:
    """Write the engines atomically. Raises `OSError`."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps([asdict(endpoint) for endpoint in endpoints]))
    draft.chmod(0o600)
    draft.replace(path)


def read_members(path: Path) -> tuple[Endpoint, ...] | None:
    """Return the engines as last written; None if they never were, or the file cannot be read."""
    try:
        return _MEMBERS.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
