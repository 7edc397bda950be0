import asyncio

import pytest
from embedding_operator.guard import Guard
from embedding_operator.reconcile.workqueue.ticker import Ticker

BUG_AT = 1_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def run(clock: Clock, durations: list[float]) -> Ticker:
    remaining = list(durations)

    async def tick() -> None:
        if not remaining:
            raise asyncio.CancelledError
        clock.now += remaining.pop(0)
        if clock.now > BUG_AT:
            raise RuntimeError("a bug")

    ticker = Ticker(tick, period=5.0, monotonic=clock.monotonic, sleep=clock.sleep, guard=Guard())
    with pytest.raises(asyncio.CancelledError):
        await ticker.run()
    return ticker


async def test_ticks_keep_their_period() -> None:
    clock = Clock()
    await run(clock, [1.0, 2.0])

    assert clock.slept == [4.0, 3.0]


async def test_a_slow_tick_is_followed_at_once_and_ticks_do_not_pile_up() -> None:
    clock = Clock()
    await run(clock, [12.0, 1.0])

    assert clock.slept == [0.0, 4.0]


async def test_idle_time_counts_from_the_last_completed_tick() -> None:
    clock = Clock()
    ticker = await run(clock, [1.0])
    clock.now += 60

    assert ticker.idle_seconds() == 64.0


async def test_a_tick_that_fails_is_followed_by_the_next_and_does_not_count_as_completed() -> None:
    clock = Clock()
    ticker = await run(clock, [1.0, BUG_AT, 1.0])

    assert clock.slept == [4.0, 0.0, 4.0]
    assert ticker.idle_seconds() > BUG_AT
