"""A forecast from the operator's own metric in a real Prometheus."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from embedding_operator.domain.observation import Bounds
from embedding_operator.reconcile.sources.forecasts import ForecastBook
from embedding_operator.telemetry.prometheus import Points, Prometheus, Range


@pytest.mark.parametrize("name", ["plain", "renamed"])
async def test_what_was_needed_at_that_time_is_expected_again(address: str, client: Prometheus, name: str) -> None:
    async def ask(query: str, during: Range) -> Points:
        return await client.history(address, query, during=during)

    at = (datetime.now(UTC) + timedelta(hours=5)).replace(minute=15, second=0, microsecond=0)
    book, bounds = ForecastBook(ask, now=lambda: datetime.now(UTC)), Bounds(pools=(), next_transition=at)
    book.refresh("uid", bounds, namespace="search", name=name)
    await asyncio.gather(*book._asking._tasks.values())
    assert book.known("uid", bounds) == 10.0 * at.hour


async def test_a_service_that_was_never_exported_has_no_forecast(address: str, client: Prometheus) -> None:
    async def ask(query: str, during: Range) -> Points:
        return await client.history(address, query, during=during)

    book = ForecastBook(ask, now=lambda: datetime.now(UTC))
    bounds = Bounds(pools=(), next_transition=datetime.now(UTC) + timedelta(hours=1))
    book.refresh("uid", bounds, namespace="ads", name="renamed")
    await asyncio.gather(*book._asking._tasks.values())
    assert book.known("uid", bounds) is None
