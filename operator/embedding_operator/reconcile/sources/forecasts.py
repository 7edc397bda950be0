"""What services will need when their next window opens or closes: what they needed at that time, at today's level.

Prometheus keeps what the operator exported, of which two weeks are queried in the background, for each service and
transition at most every ten minutes. Without Prometheus there is no forecast; while it does not answer, the last one
applies.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from embedding_operator.domain.load.forecast import DAYS, forecast
from embedding_operator.domain.observation import Bounds
from embedding_operator.reconcile.sources.background import Background
from embedding_operator.telemetry.exporter import DEMAND
from embedding_operator.telemetry.prometheus import Points, PrometheusError, Range

REFRESH = timedelta(minutes=10)
STEP = timedelta(minutes=5)
AT_A_TIME = 4
"""Thousands of points per query: the queries of many services after a start must not time out in line."""

_log = structlog.get_logger(__name__)

AskHistory = Callable[[str, Range], Awaitable[Points]]
"""Requests the history of a query; raises `PrometheusError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forecast:
    at: datetime
    asked_at: datetime
    tokens_per_second: float | None


class ForecastBook:
    """The forecasts of all services; without `ask` there are none."""

    def __init__(self, ask: AskHistory | None, *, now: Callable[[], datetime]) -> None:
        self._ask = ask
        self._now = now
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._known: dict[str, _Forecast] = {}
        self._asking: Background[str] = Background()

    def known(self, uid: str, bounds: Bounds) -> float | None:
        """Return the tokens per second that the service is expected to need at its next transition."""
        found = self._known.get(uid)
        return found.tokens_per_second if found is not None and found.at == bounds.next_transition else None

    def refresh(self, uid: str, bounds: Bounds, *, namespace: str, name: str) -> None:
        """Request the history of a service in the background if the forecast is old or for another transition."""
        at, known = bounds.next_transition, self._known.get(uid)
        if self._ask is None or at is None or uid in self._asking:
            return
        if known is None or known.at != at or self._now() - known.asked_at >= REFRESH:
            question = self._answer(self._ask, uid, bounds, query=required_in_the_past(namespace, name))
            self._asking.begin(uid, question)

    def forget_all_but(self, uids: Collection[str]) -> None:
        """Drop the forecasts of services that are gone."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    async def close(self) -> None:
        """Cancel requests in progress."""
        await self._asking.close()

    async def _answer(self, ask: AskHistory, uid: str, bounds: Bounds, *, query: str) -> None:
        at, asked_at = bounds.next_transition, self._now()
        assert at is not None  # noqa: S101 - requested only if there is a transition
        try:
            async with self._slots:
                points = await ask(query, Range(start=asked_at - timedelta(days=DAYS), end=asked_at, step=STEP))
            expected = await asyncio.to_thread(forecast, points, at=at, now=asked_at, zone=bounds.zone)
        except PrometheusError as error:
            _log.warning("no history for a forecast", query=query, problem=str(error))
            expected = self.known(uid, bounds)
        self._known[uid] = _Forecast(at=at, asked_at=asked_at, tokens_per_second=expected)


def required_in_the_past(namespace: str, name: str) -> str:
    """Return the query for what a service needed, its maximum per five minutes, whichever process exported it.

    A scrape that adds its own namespace label renames the exported one.
    """
    selectors = (
        f'{DEMAND}{{namespace="{namespace}",exported_namespace="",name="{name}"}}',
        f'{DEMAND}{{exported_namespace="{namespace}",name="{name}"}}',
    )
    return f"max({' or '.join(f'max_over_time({selector}[5m])' for selector in selectors)})"
