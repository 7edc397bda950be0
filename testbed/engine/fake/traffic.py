"""What the HTTP server counts: calls in the server, calls received, answers sent, per endpoint."""

from __future__ import annotations

from collections import Counter

EMBEDDINGS = "/v1/embeddings"


class Traffic:
    """Counts of one engine since its start."""

    def __init__(self) -> None:
        self.active: Counter[tuple[str, str]] = Counter()
        self.received: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str, int]] = Counter()

    def begin(self, endpoint: str, method: str) -> None:
        """A call arrived."""
        self.received[endpoint, method] += 1
        self.active[endpoint, method] += 1

    def end(self, endpoint: str, method: str, *, status: int | None) -> None:
        """The call is over; `status` is None if the client left before the answer."""
        self.active[endpoint, method] -= 1
        if status is not None:
            self.answered[endpoint, method, status] += 1

    @property
    def embeddings_active(self) -> int:
        """Embedding calls in the server."""
        return self.active[EMBEDDINGS, "POST"]
