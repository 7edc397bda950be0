"""The operator's clock: at every tick all engines are polled and all services are reconciled."""

import asyncio
from collections.abc import Awaitable, Callable

from embedding_operator.guard import Guard


class Ticker:
    """Runs `tick` every `period` seconds, counted from start to start, until cancelled.

    A tick that takes longer than the period delays the next one; ticks never pile up.
    """

    def __init__(
        self,
        tick: Callable[[], Awaitable[None]],
        *,
        period: float,
        monotonic: Callable[[], float],
        guard: Guard,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tick = tick
        self._period = period
        self._monotonic = monotonic
        self._guard = guard
        self._sleep = sleep
        self._completed = monotonic()

    def idle_seconds(self) -> float:
        """Return how long ago the last tick completed; before the first, the time since creation."""
        return self._monotonic() - self._completed

    async def run(self) -> None:
        """Tick until cancelled; a tick that fails does not count as completed."""
        while True:
            begun = self._monotonic()
            with self._guard.step("tick"):
                await self._tick()
                self._completed = self._monotonic()
            await self._sleep(max(0.0, begun + self._period - self._monotonic()))
