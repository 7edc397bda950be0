"""What the operator does again and again: look at every service, at one that a gateway gave notice of, at the rest."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from embedding_operator.app.components import Parts
from embedding_operator.app.recorder import Record
from embedding_operator.kube.client import Client
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.relist import relist_all
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.scalers import conflicting_scalers
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.pipeline.validate import Prepared

RELIST_SECONDS = 600.0
CENSUS_SECONDS = 60.0

_log = structlog.get_logger(__name__)


class Rounds:
    """Reads through `client`, in `namespaces` or, where there are none, in all of them."""

    def __init__(self, parts: Parts, *, client: Client, record: Record, namespaces: Sequence[str]) -> None:
        self._parts = parts
        self._client = client
        self._record = record
        self._namespaces = namespaces

    async def tick(self) -> None:
        """Poll the engines and gateways of all services at once, then look at every service."""
        parts = self._parts
        services = parts.reader.services()
        prepared = [parts.preparations.prepare(service) for service in services]
        parts.queries.triggers.refresh(
            trigger for each in prepared if isinstance(each, Prepared) for trigger in each.spec.scaling.triggers
        )
        await parts.survey.take(services)
        for service in services:
            parts.queue.add(ObjectKey(EMBEDDING_SERVICE.kind, service.namespace, service.name))
        depth, oldest = parts.queue.overdue()
        self._record.exporter.queue(depth=depth, oldest_seconds=oldest)

    async def look(self, key: ObjectKey) -> None:
        """Poll one service that a gateway gave notice of, and look at it."""
        service = self._parts.reader.service(key.namespace, key.name)
        if service is not None:
            await self._parts.quick_survey.take([service])
            self._parts.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring one object to what it asks for; return after how many seconds it must be looked at again."""
        if key.kind == EMBEDDING_SERVICE.kind:
            return await self._parts.services.reconcile(key)
        return await self._parts.cluster_objects.reconcile(key)

    async def census(self) -> None:
        """Look for other autoscalers, keep the status of pools and schedules, forget what is gone."""
        parts = self._parts
        parts.reporter.other_scalers = await conflicting_scalers(self._client, parts.store, namespaces=self._namespaces)
        services = parts.reader.services()
        uids = {service.uid for service in services}
        parts.services.forget_all_but(uids)
        parts.queries.forecasts.forget_all_but(uids)
        self._record.forget_all_but(services)
        for key in parts.feed.every_cluster_object():
            parts.queue.add(key)

    async def relist(self) -> None:
        """Read the whole cluster, and look at what the watches have missed."""
        self._parts.feed.listed(await relist_all(self._client, self._parts.store, namespaces=self._namespaces))


async def periodically(seconds: float, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Take `step` every `seconds`, for ever; what the API server refuses is tried again with the next one."""
    while True:
        try:
            await step()
        except (Conflict, Gone, Unavailable) as error:
            _log.warning("periodic step failed", step=step.__name__, error=str(error))
        await asyncio.sleep(seconds)
