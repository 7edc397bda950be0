"""Waiting for a cluster to get somewhere, and looking on while it must stay where it is."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.3


def eventually(what: str, look: Callable[[], T], *, seconds: float = 40) -> T:
    """Return the first true answer of `look`; fails the test with `what` and the last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what} (last seen: {seen!r})"
        time.sleep(POLL_SECONDS)


def throughout(what: str, look: Callable[[], bool], *, seconds: float) -> None:
    """Fail the test with `what` as soon as `look` is False once within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"no longer so: {what}"
        time.sleep(POLL_SECONDS)
