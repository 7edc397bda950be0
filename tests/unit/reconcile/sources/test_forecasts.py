"""When the history of a service is queried, and how long a forecast is valid."""

import asyncio
from datetime import datetime, timedelta

from embedding_operator.domain.observation import Bounds
from embedding_operator.reconcile.sources.forecasts import ForecastBook
from embedding_operator.telemetry.prometheus import Points, PrometheusError, Range

from tests.world.builders import NOON

EVENING = Bounds(pools=(), next_transition=NOON + timedelta(hours=8))
MORNING = Bounds(pools=(), next_transition=NOON + timedelta(hours=20))


class Past:
    """Two weeks of a constant requirement, and a clock."""

    def __init__(self) -> None:
        self.now = NOON
        self.value = 700.0
        self.problem: str | None = None
        self.asked: list[tuple[str, Range]] = []
        self.book = ForecastBook(self.ask, now=self.time)

    def time(self) -> datetime:
        return self.now

    async def ask(self, query: str, during: Range) -> Points:
        self.asked.append((query, during))
        if self.problem is not None:
            raise PrometheusError(self.problem)
        return tuple((self.now.timestamp() - 300 * step, self.value) for step in range(14 * 288))

    async def look(self, bounds: Bounds, *, after: float = 0.0) -> float | None:
        self.now += timedelta(seconds=after)
        self.book.refresh("uid", bounds, namespace="search", name="qwen")
        await asyncio.gather(*self.book._asking._tasks.values())
        return self.book.known("uid", bounds)


async def test_two_weeks_are_asked_for() -> None:
    past = Past()
    assert await past.look(EVENING) == 700.0
    query, during = past.asked[0]
    assert (during.end - during.start, during.step) == (timedelta(days=14), timedelta(minutes=5))
    plain = 'embsvc_demand_tokens_per_second{namespace="search",exported_namespace="",name="qwen"}[5m]'
    renamed = 'embsvc_demand_tokens_per_second{exported_namespace="search",name="qwen"}[5m]'
    assert query == f"max(max_over_time({plain}) or max_over_time({renamed}))"


async def test_they_are_asked_for_at_most_every_ten_minutes_and_for_each_transition() -> None:
    past = Past()
    for _ in range(10):
        await past.look(EVENING, after=59)
    assert len(past.asked) == 1
    past.value = 900.0
    assert await past.look(EVENING, after=70) == 900.0
    assert len(past.asked) == 2
    assert past.book.known("uid", MORNING) is None
    assert await past.look(MORNING, after=1) == 900.0
    assert len(past.asked) == 3


async def test_a_server_that_gives_no_answer_leaves_the_last_forecast() -> None:
    past = Past()
    await past.look(EVENING)
    past.problem = "no answer in time"
    assert await past.look(EVENING, after=600) == 700.0
    assert await past.look(MORNING, after=1) is None
    assert len(past.asked) == 3
    await past.look(MORNING, after=1)
    assert len(past.asked) == 3


async def test_without_a_transition_or_a_server_nothing_is_asked() -> None:
    past = Past()
    assert await past.look(Bounds(pools=())) is None
    assert past.asked == []
    nobody = ForecastBook(None, now=past.time)
    nobody.refresh("uid", EVENING, namespace="search", name="qwen")
    assert nobody.known("uid", EVENING) is None


async def test_services_that_are_gone_are_forgotten() -> None:
    past = Past()
    await past.look(EVENING)
    past.book.forget_all_but({"uid"})
    assert past.book.known("uid", EVENING) == 700.0
    past.book.forget_all_but(())
    assert past.book.known("uid", EVENING) is None
