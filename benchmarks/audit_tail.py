"""The operator's writes in the API server's audit log, counted from a moment on."""

from collections import Counter
from pathlib import Path

from testbed.cluster.audit import Write, writes

LEASES = "leases"


class AuditTail:
    """Reads what was added to the log of one user's requests since the last look."""

    def __init__(self, log: Path, *, username: str) -> None:
        self._log = log
        self._username = username
        self._position = log.stat().st_size

    def new_writes(self) -> list[Write]:
        """Return the writes since the last look; a line that is still being written waits for the next one."""
        with self._log.open("rb") as log:
            log.seek(self._position)
            added = log.read()
        whole = added[: added.rfind(b"\n") + 1]
        self._position += len(whole)
        return list(writes(whole.decode().splitlines(), username=self._username))


def by_resource(found: list[Write]) -> dict[str, int]:
    """Return how many writes went to each resource."""
    return dict(Counter(f"{write.resource}/{write.subresource}".rstrip("/") for write in found))
