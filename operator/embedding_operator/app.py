"""The parts of the operator, made and wired once, and their begin and end."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp import web

from embedding_operator.attention.identity import Identities
from embedding_operator.attention.looks import Looks
from embedding_operator.attention.server import Reception, serve
from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.domain.gateway_metrics import GatewaySample
from embedding_operator.domain.metrics import EngineSample
from embedding_operator.kube.client import Answered, Client, connect
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.events import EventRecorder
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.lease import Lease
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.relist import relist_all
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.scalers import conflicting_scalers
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.token_review import reviewed
from embedding_operator.kube.writer import ChildWriter
from embedding_operator.reconcile.catalog import Catalog
from embedding_operator.reconcile.children import Children
from embedding_operator.reconcile.cluster_objects import ClusterObjectReconciler
from embedding_operator.reconcile.comparison import Comparison
from embedding_operator.reconcile.feed import Feed
from embedding_operator.reconcile.forecasts import ForecastBook
from embedding_operator.reconcile.parity import ParityBook
from embedding_operator.reconcile.preparation import Preparations, Prepared
from embedding_operator.reconcile.queue import Backoff, KeyedQueue
from embedding_operator.reconcile.renderings import Renderings
from embedding_operator.reconcile.reporting import Reporter
from embedding_operator.reconcile.scene import Observer, Scene
from embedding_operator.reconcile.service import ServiceReconciler, Steps
from embedding_operator.reconcile.survey import Survey
from embedding_operator.reconcile.ticker import Ticker
from embedding_operator.reconcile.triggers import Servers, TriggerBook
from embedding_operator.reconcile.workers import work
from embedding_operator.rendering.gateway_pod import AUDIENCE
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults
from embedding_operator.settings import Settings
from embedding_operator.telemetry.engines import EnginePoller
from embedding_operator.telemetry.exporter import Exporter, PoolCounts
from embedding_operator.telemetry.gateways import GatewayPoller
from embedding_operator.telemetry.history import History
from embedding_operator.telemetry.probe import ParityProbe
from embedding_operator.telemetry.prometheus import Points, Prometheus, Range
from embedding_operator.telemetry.questions import pod_session

RELIST_SECONDS = 600.0
CENSUS_SECONDS = 60.0
POLL_TIMEOUT_SECONDS = 2.0
LOOK_TIMEOUT_SECONDS = 0.25
"""Who asks for a look wants an answer now: a pod that is slow to say something is left to the next tick."""

_log = structlog.get_logger(__name__)


def gateway_defaults(settings: Settings) -> GatewayDefaults:
    """Return what the gateways of all services take from this installation."""
    return GatewayDefaults(
        image=settings.gateway_image,
        cluster_role=settings.gateway_cluster_role,
        operator_host=settings.attention_host,
        operator_port=settings.attention_port,
        operator_namespace=settings.namespace,
        operator_labels=dict(settings.pod_labels),
        metrics_namespaces=settings.metrics_namespaces,
    )


def utc_now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


class App:
    """One running operator. `start` and `stop` are called by kopf's life cycle; `ended` is called when it must end."""

    def __init__(self, settings: Settings, *, version: str, kubeconfig: Path | None, ended: Callable[[], None]) -> None:
        self._settings = settings
        self._version = version
        self._kubeconfig = kubeconfig
        self._ended = ended
        self.stopped = asyncio.Event()
        self._exporter = Exporter(version=version)
        self._store = ObjectStore()
        self._tasks: set[asyncio.Task[None]] = set()
        self._exported: set[tuple[str, str]] = set()
        self._ticker: Ticker | None = None
        self._server: web.AppRunner | None = None
        self._feed: Feed | None = None

    def seen(self, kind: str, body: Mapping[str, Any], deleted: bool) -> None:  # noqa: FBT001 - the watches' callback
        """Take in one watch event."""
        if self._feed is not None:
            self._feed.seen(kind, body, deleted=deleted)

    def idle_seconds(self) -> float:
        """Return how long ago the last tick was completed; 0 before the first, and while another process leads."""
        return 0.0 if self._ticker is None else self._ticker.idle_seconds()

    async def start(self) -> None:
        """Connect, read the whole cluster once, and begin to work as soon as the Lease is held."""
        try:
            await self._start()
        except Exception:
            self._ended()
            raise

    async def _start(self) -> None:
        settings = self._settings
        self._client = await connect(
            kubeconfig=self._kubeconfig,
            user_agent=f"embedding-operator/{self._version}",
            observer=self._requested,
        )
        self._session = pod_session()
        self._lease = Lease(
            self._client, namespace=settings.namespace, name=settings.lease_name, identity=settings.pod_name
        )
        self._exporter.serve(settings.metrics_port)
        self._build(self._client.behind(self._lease.held) if settings.lease else self._client, session=self._session)
        await self._relist()
        self._server = await serve(self._reception(), port=settings.attention_port)
        self._spawn(self._lead(), name="lead")

    async def stop(self) -> None:
        """End all work and give the Lease up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.cleanup()
        await self._parity.close()
        await self._triggers.close()
        await self._forecasts.close()
        self._prometheus.close()
        if self._settings.lease:
            with contextlib.suppress(Conflict, Gone, Unavailable):
                await self._lease.release()
        await self._session.close()
        await self._client.close()
        _log.info("stopped")
        self.stopped.set()

    def _build(self, client: Client, *, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        self._queue: KeyedQueue[ObjectKey] = KeyedQueue(timeline=loop, backoff=Backoff(jitter=random.random))
        self._feed = Feed(store=self._store, sink=self._queue)
        self._reader = Reader(self._store)
        self._engines: History[str, EngineSample] = History()
        self._gateways: History[str, GatewaySample] = History()
        self._parity = ParityBook(ParityProbe(session).vectors)
        self._prometheus = Prometheus(now=utc_now)
        servers = Servers(own=self._settings.prometheus_url, allowed=self._settings.prometheus_addresses)
        self._triggers = TriggerBook(self._prometheus.value, servers=servers)
        self._forecasts = ForecastBook(self._history if self._settings.prometheus_url else None, now=utc_now)
        self._survey = self._surveying(session, timeout_seconds=POLL_TIMEOUT_SECONDS)
        self._quick_survey = self._surveying(session, timeout_seconds=LOOK_TIMEOUT_SECONDS)
        noticed: KeyedQueue[ObjectKey] = KeyedQueue(timeline=loop, backoff=Backoff(jitter=random.random))
        self._looks = Looks(self._look, queue=noticed, monotonic=loop.time)
        self._events = EventRecorder(client, instance=self._settings.pod_name)
        statuses = StatusWriter(client, store=self._store)
        self._reporter = Reporter(statuses, events=self._events, now=utc_now)
        self._services = ServiceReconciler(self._steps(client))
        self._cluster_objects = ClusterObjectReconciler(store=self._store, statuses=statuses, now=utc_now)

    def _surveying(self, session: aiohttp.ClientSession, *, timeout_seconds: float) -> Survey:
        failed = self._exporter.poll_failed
        return Survey(
            reader=self._reader,
            poll_engines=EnginePoller(session, now=utc_now, failed=failed, timeout_seconds=timeout_seconds).poll,
            poll_gateways=GatewayPoller(session, now=utc_now, failed=failed, timeout_seconds=timeout_seconds).poll,
            engines=self._engines,
            gateways=self._gateways,
            now=utc_now,
        )

    async def _history(self, query: str, during: Range) -> Points:
        return await self._prometheus.history(self._settings.prometheus_url, query, during=during)

    def _reception(self) -> Reception:
        client = self._client

        async def review(token: str) -> str | None:
            return await reviewed(client, token, audience=AUDIENCE)

        return Reception(
            leads=lambda: self._ticker is not None,
            user_of=Identities(review, monotonic=time.monotonic).user_of,
            notice=self._looks.notice,
            counted=self._exporter.noticed,
        )

    def _steps(self, client: Client) -> Steps:
        catalog = Catalog(self._store)
        self._preparations = Preparations(catalog)
        return Steps(
            reader=self._reader,
            preparations=self._preparations,
            observer=Observer(
                store=self._store,
                catalog=catalog,
                reader=self._reader,
                engines=self._engines,
                gateways=self._gateways,
                now=utc_now,
                read_triggers=self._triggers.readings,
                forecast=self._forecasts.known,
            ),
            decided=self._decided,
            comparison=Comparison(self._parity, again=self._queue.add),
            gateways=Gateways(store=self._store),
            renderings=Renderings(
                EngineDefaults(image=self._settings.engine_image), gateway=gateway_defaults(self._settings)
            ),
            children=Children(writer=ChildWriter(client, store=self._store)),
            reporter=self._reporter,
        )

    async def _lead(self) -> None:
        """Work while this process holds the Lease; the process ends when the Lease is lost."""
        if self._settings.lease:
            await self._lease.acquire()
            self._spawn(self._keep_lease(), name="lease")
        self._exporter.leads(leader=True)
        _log.info("leading", services=len(self._reader.services()))
        self._ticker = Ticker(self._tick, period=self._settings.poll_seconds, monotonic=time.monotonic)
        for number in range(self._settings.workers):
            self._spawn(work(self._queue, self._reconcile, observed=self._reconciled), name=f"worker-{number}")
        self._spawn(self._ticker.run(), name="ticker")
        self._spawn(self._looks.run(), name="looks")
        self._spawn(self._events.run(), name="events")
        self._spawn(self._periodically(CENSUS_SECONDS, self._census), name="census")
        self._spawn(self._periodically(RELIST_SECONDS, self._relist), name="relist")

    async def _keep_lease(self) -> None:
        await self._lease.keep()
        _log.error("the Lease is lost: another process leads now")
        self._ended()

    async def _reconcile(self, key: ObjectKey) -> float | None:
        if key.kind == EMBEDDING_SERVICE.kind:
            return await self._services.reconcile(key)
        return await self._cluster_objects.reconcile(key)

    async def _tick(self) -> None:
        """Poll the engines and gateways of all services at once, then look at every service."""
        services = self._reader.services()
        prepared = [self._preparations.prepare(service) for service in services]
        self._triggers.refresh(
            trigger for each in prepared if isinstance(each, Prepared) for trigger in each.spec.scaling.triggers
        )
        await self._survey.take(services)
        for service in services:
            self._queue.add(ObjectKey(EMBEDDING_SERVICE.kind, service.namespace, service.name))
        depth, oldest = self._queue.overdue()
        self._exporter.queue(depth=depth, oldest_seconds=oldest)

    async def _look(self, key: ObjectKey) -> None:
        """Poll one service that a gateway gave notice of, and look at it."""
        service = self._reader.service(key.namespace, key.name)
        if service is not None:
            await self._quick_survey.take([service])
            self._queue.add(key)

    async def _census(self) -> None:
        """Look for other autoscalers, keep the status of pools and schedules, forget what is gone."""
        self._reporter.other_scalers = await conflicting_scalers(
            self._client, self._store, namespaces=self._settings.watch_namespaces
        )
        services = self._reader.services()
        uids = {service.uid for service in services}
        self._services.forget_all_but(uids)
        self._forecasts.forget_all_but(uids)
        self._exported = self._forget_exported({(service.namespace, service.name) for service in services})
        if self._feed is not None:
            for key in self._feed.every_cluster_object():
                self._queue.add(key)

    def _forget_exported(self, present: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Drop the metrics of services that are gone; return those that are there."""
        for namespace, name in self._exported - present:
            self._exporter.forget(namespace, name)
        return present

    async def _relist(self) -> None:
        self._listed(await relist_all(self._client, self._store, namespaces=self._settings.watch_namespaces))

    def _listed(self, changes: Any) -> None:
        if self._feed is not None:
            self._feed.listed(changes)

    async def _periodically(self, seconds: float, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await step()
            except (Conflict, Gone, Unavailable) as error:
                _log.warning("periodic step failed", step=step.__name__, error=str(error))
            await asyncio.sleep(seconds)

    def _spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task of the operator failed", task=task.get_name(), exc_info=task.exception())
            self._ended()

    def _requested(self, answered: Answered) -> None:
        self._exporter.requested(
            verb=answered.verb, resource=answered.resource, code=answered.code, seconds=answered.seconds
        )

    def _reconciled(self, result: str, seconds: float) -> None:
        self._exporter.reconciled(result, seconds=seconds)

    def _decided(self, scene: Scene, decision: Decision, seconds: float) -> None:
        service = scene.service
        self._exporter.decided(seconds=seconds)
        self._exporter.needs(
            service.namespace,
            service.name,
            required=decision.required,
            demand=decision.memory.buckets[-1].peak if decision.memory.buckets else decision.required,
        )
        self._forecasts.refresh(service.uid, scene.observation.bounds, namespace=service.namespace, name=service.name)
        self._exporter.service(
            service.namespace,
            service.name,
            window=scene.observation.bounds.window,
            pools={
                target.pool: PoolCounts(
                    desired=target.replicas, ready=target.ready, starting=target.starting, stuck=target.stuck
                )
                for target in decision.targets
            },
        )
        if StepReason.ALLOCATED in decision.reasons():
            _log.info(
                "decided",
                namespace=service.namespace,
                name=service.name,
                uid=service.uid,
                generation=service.generation,
                required=decision.required,
                steps=[f"{step.reason}: {step.message}" for step in decision.steps],
            )
