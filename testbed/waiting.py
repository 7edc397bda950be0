"""Waiting for something to become true, and checking that it stays so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.2
ASYNC_POLL_SECONDS = 0.02


class NotInTime(Exception):  # noqa: N818 - it says what happened
    """The time limit passed; `last` is the last result."""

    def __init__(self, last: object) -> None:
        super().__init__(f"last result: {last!r}")
        self.last = last


def first_true(look: Callable[[], T], *, seconds: float) -> T:
    """Return the first true result of `look`; raise `NotInTime` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise NotInTime(seen)
        time.sleep(POLL_SECONDS)
    return seen


def eventually(what: str, look: Callable[[], T], *, seconds: float = 40) -> T:
    """Return the first true result of `look`; after `seconds`, fail the test with `what` and the last result."""
    try:
        return first_true(look, seconds=seconds)
    except NotInTime as late:
        message = f"not within {seconds:.0f} s: {what} (last seen: {late.last!r})"
        raise AssertionError(message) from None


async def eventually_true(what: str, look: Callable[[], Awaitable[object]], *, seconds: float = 40) -> None:
    """Return once `look` is true; after `seconds`, fail the test with `what`."""
    try:
        async with asyncio.timeout(seconds):
            while not await look():  # noqa: ASYNC110 - what changes is in another process
                await asyncio.sleep(ASYNC_POLL_SECONDS)
    except TimeoutError:
        message = f"not within {seconds:.0f} s: {what}"
        raise AssertionError(message) from None


def throughout(what: str, look: Callable[[], bool], *, seconds: float) -> None:
    """Fail the test with `what` as soon as `look` returns False within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert look(), f"no longer true: {what}"
        time.sleep(POLL_SECONDS)
