"""What the operator does periodically and on a poke: poll and reconcile services, sweep, relist the cluster."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any

from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.app.components import Components
from embedding_operator.app.recorder import Recorder
from embedding_operator.guard import Guard
from embedding_operator.kube.client import Client
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.relist import relist_all
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.scalers import conflicting_scalers
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.pipeline.validate import Prepared

RELIST_SECONDS = 600.0
GATHER_SECONDS = 2.0
"""All watches begin anew at about the same time."""

SWEEP_SECONDS = 60.0


class Loops:
    """The loops. They read through `client`, in `namespaces` or, if there are none, in all namespaces."""

    def __init__(
        self, components: Components, *, client: Client, recorder: Recorder, namespaces: Sequence[str]
    ) -> None:
        self._components = components
        self._client = client
        self._recorder = recorder
        self._namespaces = namespaces

    async def tick(self) -> None:
        """Poll the engines and gateways of all services at once, then reconcile every service."""
        components = self._components
        services = components.reader.services()
        with components.guard.step("triggers"):
            components.queries.triggers.refresh(list(self._triggers(services)))
        with components.guard.step("collect"):
            await components.collector.collect(services)
        for service in services:
            components.queue.add(ObjectKey(EMBEDDING_SERVICE.kind, service.namespace, service.name))
        depth, oldest = components.queue.overdue()
        self._recorder.exporter.queue(depth=depth, oldest_seconds=oldest)

    async def poll(self, key: ObjectKey) -> None:
        """Poll one service that a gateway poked, and reconcile it."""
        service = self._components.reader.service(key.namespace, key.name)
        if service is not None:
            await self._components.quick_collector.collect([service])
            self._components.queue.add(key)

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Reconcile one object; return after how many seconds it must be reconciled again."""
        if key.kind == EMBEDDING_SERVICE.kind:
            return await self._components.services.reconcile(key)
        return await self._components.cluster_objects.reconcile(key)

    async def sweep(self) -> None:
        """Find other autoscalers, reconcile pools and schedules, forget what is gone."""
        components = self._components
        with components.guard.step("autoscalers"):
            components.reporter.other_scalers = await conflicting_scalers(
                self._client, components.store, namespaces=self._namespaces
            )
        with components.guard.step("forget"):
            self._forget_what_is_gone()
        for key in components.enqueuer.every_cluster_object():
            components.queue.add(key)

    async def relist(self) -> None:
        """Read the whole cluster, and reconcile what the watches missed."""
        self._components.enqueuer.listed(
            await relist_all(self._client, self._components.store, namespaces=self._namespaces)
        )

    def _triggers(self, services: Iterable[ServiceObject]) -> Iterator[tuple[str, Trigger]]:
        for service in services:
            with self._components.guard.step("prepare", namespace=service.namespace, name=service.name):
                prepared = self._components.preparations.prepare(service)
                if isinstance(prepared, Prepared):
                    yield from ((service.namespace, trigger) for trigger in prepared.spec.scaling.triggers)

    def _forget_what_is_gone(self) -> None:
        components = self._components
        services = components.reader.services()
        uids = {service.uid for service in services}
        components.services.forget_all_but(uids)
        components.poke_times.forget_all_but(
            {ObjectKey(EMBEDDING_SERVICE.kind, each.namespace, each.name) for each in services}
        )
        components.queries.forecasts.forget_all_but(uids)
        self._recorder.forget_all_but(services)


async def periodically(
    seconds: float,
    step: Callable[[], Coroutine[Any, Any, None]],
    *,
    guard: Guard,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Run `step` every `seconds` until cancelled; an error is logged, and the next run retries."""
    while True:
        with guard.step(step.__name__):
            await step()
        await sleep(seconds)


async def relisting(
    relist: Callable[[], Coroutine[Any, Any, None]],
    watch_began: asyncio.Event,
    *,
    guard: Guard,
    period: float = RELIST_SECONDS,
    gather: float = GATHER_SECONDS,
) -> None:
    """Run `relist` every `period` seconds, and soon after a watch began anew, until cancelled.

    One that fails is repeated: what was deleted while a watch was broken is found by no other means.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch_began.wait(), period)
        await asyncio.sleep(gather)
        watch_began.clear()
        succeeded = False
        with guard.step("relist"):
            await relist()
            succeeded = True
        if not succeeded:
            watch_began.set()
