"""The components of the operator, built and wired once."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from embedding_operator.app.queries import Queries, queries
from embedding_operator.app.recorder import Recorder
from embedding_operator.domain.admission.checks import Permissions
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.guard import Guard
from embedding_operator.kube.backoff import Backoff
from embedding_operator.kube.client import Client
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.events import EventRecorder
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.metadata import utc_now
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.token_issuer import TokenIssuer, token_issuer
from embedding_operator.kube.writer import ChildWriter
from embedding_operator.poke.server import PokeHandler
from embedding_operator.poke.times import PokeTimes
from embedding_operator.poke.tokens import Tokens
from embedding_operator.reconcile.pipeline.apply import Children
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.cluster_objects import ClusterObjectReconciler
from embedding_operator.reconcile.pipeline.compare_vectors import Comparison
from embedding_operator.reconcile.pipeline.observe import Observed, Observer
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.report import Reporter
from embedding_operator.reconcile.pipeline.service import ServiceReconciler, Steps
from embedding_operator.reconcile.pipeline.validate import Preparations
from embedding_operator.reconcile.sources.collector import Collector
from embedding_operator.reconcile.sources.parity_probes import ParityBook
from embedding_operator.reconcile.workqueue.enqueue import Enqueuer
from embedding_operator.reconcile.workqueue.queue import KeyedQueue
from embedding_operator.rendering.gateway_pod import AUDIENCE
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults
from embedding_operator.settings import Settings
from embedding_operator.telemetry.engines import engine_poller
from embedding_operator.telemetry.fetch import Fetcher
from embedding_operator.telemetry.gateways import gateway_poller
from embedding_operator.telemetry.history import History
from embedding_operator.telemetry.probe import ParityProbe

TICK_TIMEOUT_SECONDS = 2.0
POKE_TIMEOUT_SECONDS = 0.25
"""A poke needs a quick response: a pod that is slow to answer is left to the next tick."""

Keys = KeyedQueue[ObjectKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The parts of the operator. `queue` holds the keys to reconcile; `quick_collector` waits less for pods.

    Everything is in memory except `events`, which sends what it is given for as long as it runs.
    """

    guard: Guard
    store: ObjectStore
    reader: Reader
    queue: Keys
    enqueuer: Enqueuer
    collector: Collector
    quick_collector: Collector
    parity: ParityBook
    queries: Queries
    poke_times: PokeTimes
    preparations: Preparations
    events: EventRecorder
    reporter: Reporter
    services: ServiceReconciler
    cluster_objects: ClusterObjectReconciler


@dataclass(frozen=True, slots=True)
class Histories:
    """The samples of pods, by UID of the service."""

    engines: History[str, EngineSample]
    gateways: History[str, GatewaySample]


def build(settings: Settings, *, client: Client, session: aiohttp.ClientSession, recorder: Recorder) -> Components:
    """Return the components of an operator that writes through `client` and polls pods through `session`."""
    # The API server may be away for a while: that is no bug, and the next run of a step tries again.
    guard = Guard(recorder.exporter.step_failed, expected=(Conflict, Gone, Unavailable))
    store, queue = ObjectStore(), new_queue()
    reader, parity = Reader(store), ParityBook(ParityProbe(session).vectors)
    asked = queries(settings, now=utc_now)
    histories = Histories(History(), History())
    events = EventRecorder(client, instance=settings.pod_name, dropped=recorder.exporter.event_dropped, guard=guard)
    statuses = StatusWriter(client, store=store)
    reporter = Reporter(statuses, events=events, now=utc_now)

    def collector(timeout_seconds: float) -> Collector:
        failed = recorder.exporter.poll_failed
        fetcher = Fetcher(session=session, now=utc_now, failed=failed, timeout_seconds=timeout_seconds)
        return _collector(reader, histories, fetcher=fetcher, guard=guard)

    def decided(observed: Observed, decision: Decision, seconds: float) -> None:
        recorder.decided(observed, decision, seconds)
        asked.decided(observed)

    poke_times = PokeTimes(now=utc_now)
    catalog = Catalog(store)
    permissions = Permissions(image_prefixes=settings.image_prefixes, remote_code=settings.remote_code)
    preparations = Preparations(catalog, permissions=permissions)
    steps = Steps(
        reader=reader,
        preparations=preparations,
        observer=_observer(store, catalog, reader=reader, histories=histories, asked=asked, poked_at=poke_times.last),
        decided=decided,
        comparison=Comparison(parity, again=queue.add),
        gateways=Gateways(store=store, reader=reader),
        renderings=Renderings(EngineDefaults(image=settings.engine_image), gateway=gateway_defaults(settings)),
        children=Children(writer=ChildWriter(client, store=store)),
        reporter=reporter,
    )
    return Components(
        guard=guard,
        store=store,
        reader=reader,
        queue=queue,
        enqueuer=Enqueuer(store=store, sink=queue),
        collector=collector(TICK_TIMEOUT_SECONDS),
        quick_collector=collector(POKE_TIMEOUT_SECONDS),
        parity=parity,
        queries=asked,
        poke_times=poke_times,
        preparations=preparations,
        events=events,
        reporter=reporter,
        services=ServiceReconciler(steps),
        cluster_objects=ClusterObjectReconciler(store=store, statuses=statuses, now=utc_now),
    )


def new_queue() -> Keys:
    """Return an empty queue on the clock of the running event loop."""
    return KeyedQueue(timeline=asyncio.get_running_loop(), backoff=Backoff())


def poke_handler(
    client: Client, *, leads: Callable[[], bool], poke: Callable[[ObjectKey], None], recorder: Recorder
) -> PokeHandler:
    """Return the handler that accepts pokes from gateways and verifies their tokens."""

    async def read_issuer() -> TokenIssuer:
        return await token_issuer(client)

    return PokeHandler(
        leads=leads,
        user_of=Tokens(read_issuer, audience=AUDIENCE, monotonic=time.monotonic).user_of,
        poke=poke,
        counted=recorder.exporter.poked,
    )


def gateway_defaults(settings: Settings) -> GatewayDefaults:
    """Return what the gateways of all services get from this installation."""
    return GatewayDefaults(
        image=settings.gateway_image,
        cluster_role=settings.gateway_cluster_role,
        node_selector=dict(settings.gateway_node_selector),
        tolerations=settings.gateway_tolerations,
        operator_host=settings.poke_host,
        operator_port=settings.poke_port,
        operator_namespace=settings.namespace,
        operator_labels=dict(settings.pod_labels),
        metrics_namespaces=settings.metrics_namespaces,
        restrict_networks=settings.restrict_networks,
        engine_egress=settings.engine_egress,
    )


def _collector(reader: Reader, histories: Histories, *, fetcher: Fetcher, guard: Guard) -> Collector:
    return Collector(
        reader=reader,
        poll_engines=engine_poller(fetcher, guard=guard).poll,
        poll_gateways=gateway_poller(fetcher, guard=guard).poll,
        engines=histories.engines,
        gateways=histories.gateways,
        now=utc_now,
        guard=guard,
    )


def _observer(
    store: ObjectStore,
    catalog: Catalog,
    *,
    reader: Reader,
    histories: Histories,
    asked: Queries,
    poked_at: Callable[[ObjectKey], datetime | None],
) -> Observer:
    return Observer(
        store=store,
        catalog=catalog,
        reader=reader,
        engines=histories.engines,
        gateways=histories.gateways,
        now=utc_now,
        read_triggers=asked.triggers.readings,
        forecast=asked.forecasts.known,
        poked_at=poked_at,
    )
