"""A timeline that stands still until a test moves it."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

TURNS = 10
"""Turns of the event loop after which tasks that a timer woke are waiting again."""


@dataclass(order=True)
class Timer:
    when: float
    number: int
    callback: Callable[[], object] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class ManualTimeline:
    """A clock whose timers fire in order as `move` passes them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.timers: list[Timer] = []
        self.set = 0

    def time(self) -> float:
        return self.seconds

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self.set += 1
        timer = Timer(when, self.set, callback)
        heapq.heappush(self.timers, timer)
        return timer

    async def move(self, seconds: float) -> None:
        """Let `seconds` pass, timer by timer."""
        await settled()
        until = self.seconds + seconds
        while self.timers and self.timers[0].when <= until:
            await self._fire()
        self.seconds = until
        await settled()

    async def move_to_next_timer(self) -> None:
        """Let the time until the next timer pass."""
        await settled()
        while self.timers[0].cancelled:
            heapq.heappop(self.timers)
        await self._fire()

    async def _fire(self) -> None:
        timer = heapq.heappop(self.timers)
        self.seconds = timer.when
        if not timer.cancelled:
            timer.callback()
        await settled()


async def settled() -> None:
    """Let every task run until it waits."""
    for _ in range(TURNS):
        await asyncio.sleep(0)
