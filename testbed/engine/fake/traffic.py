"""What the HTTP server counts: calls in progress, calls received, responses sent, per endpoint."""

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
        """Count the arrival of a call."""
        self.received[endpoint, method] += 1
        self.active[endpoint, method] += 1

    def end(self, endpoint: str, method: str, *, status: int | None) -> None:
        """Count the end of a call; `status` is None if the client left before the response."""
        self.active[endpoint, method] -= 1
        if status is not None:
            self.answered[endpoint, method, status] += 1

    @property
    def embeddings_active(self) -> int:
        """Embedding calls in progress."""
        return self.active[EMBEDDINGS, "POST"]
