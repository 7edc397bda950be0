"""What the operator queries from Prometheus: external queue lengths, and past demand of services at a time of day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from embedding_operator.reconcile.pipeline.observe import Observed
from embedding_operator.reconcile.sources.forecasts import ForecastBook
from embedding_operator.reconcile.sources.triggers import Servers, TriggerBook
from embedding_operator.settings import Settings
from embedding_operator.telemetry.prometheus import Points, Prometheus, Range


@dataclass(frozen=True, slots=True)
class Queries:
    """The answers so far, and the client that queries new ones."""

    client: Prometheus
    triggers: TriggerBook
    forecasts: ForecastBook

    def decided(self, observed: Observed) -> None:
        """Query again what the service needed, if the last answer is old."""
        service = observed.service
        self.forecasts.refresh(service.uid, observed.observation.bounds, namespace=service.namespace, name=service.name)

    async def close(self) -> None:
        """Cancel queries in progress."""
        await self.triggers.close()
        await self.forecasts.close()
        self.client.close()


def queries(settings: Settings, *, now: Callable[[], datetime]) -> Queries:
    """Return the queries to the Prometheus of `settings`; forecasts need one, triggers may name their own."""
    url, client = settings.prometheus_url, Prometheus(now=now)

    async def history(query: str, during: Range) -> Points:
        return await client.history(url, query, during=during)

    servers = Servers(own=url, allowed=settings.prometheus_addresses)
    return Queries(
        client,
        TriggerBook(client.value, servers=servers),
        ForecastBook(history if url else None, now=now),
    )
