"""Waiting for a condition of a cluster, with a time limit and a reason if it is not met."""

from __future__ import annotations

from collections.abc import Callable

from testbed.waiting import NotInTime, first_true

from .errors import ClusterError


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

    def holds() -> bool:
        if condition():
            return True
        reason = abort_if()
        if reason is not None:
            raise ClusterError(reason)
        return False

    try:
        first_true(holds, seconds=timeout_seconds)
    except NotInTime:
        message = f"{complaint()} (waited {timeout_seconds:.0f} s)"
        raise ClusterError(message) from None
