"""Log lines that would repeat endlessly, limited to one a minute."""

import time
from collections.abc import Callable
from typing import Any

import structlog

SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Seldom:
    """Warnings of one kind; the next one logged counts those that were left out."""

    def __init__(self, message: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._message = message
        self._monotonic = monotonic
        self._next = float("-inf")
        self._left_out = 0

    def warn(self, **fields: Any) -> None:
        """Log a warning, or count it."""
        now = self._monotonic()
        if now < self._next:
            self._left_out += 1
            return
        _log.warning(self._message, left_out=self._left_out, **fields)
        self._next, self._left_out = now + SECONDS, 0
