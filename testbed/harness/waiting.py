"""Waiting for a cluster to reach a state, and checking that it stays in one."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.3


def eventually(what: str, look: Callable[[], T], *, seconds: float = 40) -> T:
    """Return the first true result of `look`; after `seconds`, fail the test with `what` and the last result."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what} (last seen: {seen!r})"
        time.sleep(POLL_SECONDS)


def throughout(what: str, look: Callable[[], bool], *, seconds: float) -> None:
    """Fail the test with `what` as soon as `look` returns False within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"no longer true: {what}"
        time.sleep(POLL_SECONDS)
