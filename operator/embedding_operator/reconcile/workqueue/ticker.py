"""The operator's clock: at every tick all engines are polled and all services are reconciled."""

import asyncio
from collections.abc import Awaitable, Callable


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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tick = tick
        self._period = period
        self._monotonic = monotonic
        self._sleep = sleep
        self._completed = monotonic()

    def idle_seconds(self) -> float:
        """Return how long ago the last tick completed; before the first, the time since creation."""
        return self._monotonic() - self._completed

    async def run(self) -> None:
        """Tick until cancelled; an error in `tick` ends it."""
        while True:
            begun = self._monotonic()
            await self._tick()
            self._completed = self._monotonic()
            await self._sleep(max(0.0, begun + self._period - self._completed))
