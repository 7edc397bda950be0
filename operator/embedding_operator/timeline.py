"""Clocks with timers. What waits takes one as an argument, so that a test can move time instead of waiting."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Cancellable(Protocol):
    """A timer that can be cancelled."""

    def cancel(self) -> None:
        """Cancel it."""


class Timeline(Protocol):
    """A clock with timers; an asyncio event loop is one."""

    def time(self) -> float:
        """Return the seconds on the clock."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Cancellable:
        """Call `callback` when the clock shows `when`."""


async def sleep_until(when: float, *, timeline: Timeline) -> None:
    """Return when `timeline` shows `when`; at once if it is later already."""
    if when <= timeline.time():
        return
    reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def reach() -> None:
        if not reached.done():
            reached.set_result(None)

    timer = timeline.call_at(when, reach)
    try:
        await reached
    finally:
        timer.cancel()
