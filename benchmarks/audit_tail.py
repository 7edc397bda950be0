"""Counts the operator's writes in the API server's audit log from a given moment on."""

from collections import Counter
from pathlib import Path

from testbed.cluster.audit import Write, writes

LEASES = "leases"


class AuditTail:
    """Reads the requests of one user that were added to the log since the last call."""

    def __init__(self, log: Path, *, username: str) -> None:
        self._log = log
        self._username = username
        self._position = log.stat().st_size

    def new_writes(self) -> list[Write]:
        """Return the writes since the last call; a line that is still being written is left for the next call."""
        with self._log.open("rb") as log:
            log.seek(self._position)
            added = log.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._position += len(whole)
        return list(writes(whole.decode().splitlines(), username=self._username))


def by_resource(found: list[Write]) -> dict[str, int]:
    """Return how many writes went to each resource."""
    return dict(Counter(f"{write.resource}/{write.subresource}".rstrip("/") for write in found))
