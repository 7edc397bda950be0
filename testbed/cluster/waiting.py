"""Waiting for a condition, with a time limit and a reason if it is not met."""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import ClusterError

POLL_SECONDS = 0.2


def wait_until(
    condition: Callable[[], bool],
    *,
    timeout_seconds: float,
    complaint: Callable[[], str],
    abort_if: Callable[[], str | None] = lambda: None,
) -> None:
    """Return as soon as `condition` holds.

    Raise `ClusterError` with `complaint()` after the time limit, or at once with the result of `abort_if`.
    """
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        reason = abort_if()
        if reason is not None:
            raise ClusterError(reason)
        if time.monotonic() > deadline:
            message = f"{complaint()} (waited {timeout_seconds:.0f} s)"
            raise ClusterError(message)
        time.sleep(POLL_SECONDS)
