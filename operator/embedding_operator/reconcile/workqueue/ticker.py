"""The one clock of the operator: at every tick all engines are polled and all services are looked at again."""

import asyncio
from collections.abc import Awaitable, Callable


class Ticker:
    """Runs `tick` every `period` seconds, counted from begin to begin, until cancelled.

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
        """Return how long ago the last tick was completed."""
        return self._monotonic() - self._completed

    async def run(self) -> None:
        """Tick for ever; an error of `tick` ends it."""
        while True:
            begun = self._monotonic()
            await self._tick()
            self._completed = self._monotonic()
            await self._sleep(max(0.0, begun + self._period - self._completed))
