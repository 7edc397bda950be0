"""The parts of the operator, made and joined once."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from embedding_operator.app.queries import Queries, queries
from embedding_operator.app.recorder import Record
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.kube.client import Client
from embedding_operator.kube.events import EventRecorder
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.token_review import reviewed
from embedding_operator.kube.writer import ChildWriter
from embedding_operator.poke.identity import Identities
from embedding_operator.poke.server import Reception
from embedding_operator.reconcile.pipeline.apply import Children
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.cluster_objects import ClusterObjectReconciler
from embedding_operator.reconcile.pipeline.compare_vectors import Comparison
from embedding_operator.reconcile.pipeline.observe import Observer, Scene
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.report import Reporter
from embedding_operator.reconcile.pipeline.service import ServiceReconciler, Steps
from embedding_operator.reconcile.pipeline.validate import Preparations
from embedding_operator.reconcile.sources.collector import Survey
from embedding_operator.reconcile.sources.parity_probes import ParityBook
from embedding_operator.reconcile.workqueue.enqueue import Feed
from embedding_operator.reconcile.workqueue.queue import Backoff, KeyedQueue
from embedding_operator.rendering.gateway_pod import AUDIENCE
from embedding_operator.rendering.renderer import EngineDefaults, GatewayDefaults
from embedding_operator.settings import Settings
from embedding_operator.telemetry.engines import EnginePoller
from embedding_operator.telemetry.gateways import GatewayPoller
from embedding_operator.telemetry.history import History
from embedding_operator.telemetry.probe import ParityProbe

POLL_TIMEOUT_SECONDS = 2.0
LOOK_TIMEOUT_SECONDS = 0.25
"""Who asks for a look wants an answer now: a pod that is slow to say something is left to the next tick."""

Keys = KeyedQueue[ObjectKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the work is done with. `queue` holds what is to be reconciled, `survey` asks patiently, `quick_survey` not.

    Everything is in memory but `events`, which sends what it is given for as long as it runs.
    """

    store: ObjectStore
    reader: Reader
    queue: Keys
    feed: Feed
    survey: Survey
    quick_survey: Survey
    parity: ParityBook
    queries: Queries
    preparations: Preparations
    events: EventRecorder
    reporter: Reporter
    services: ServiceReconciler
    cluster_objects: ClusterObjectReconciler


@dataclass(frozen=True, slots=True)
class Histories:
    """What pods said, by UID of the service."""

    engines: History[str, EngineSample]
    gateways: History[str, GatewaySample]


def wired(settings: Settings, *, client: Client, session: aiohttp.ClientSession, record: Record) -> Parts:
    """Return the parts of an operator that writes through `client` and asks pods through `session`."""
    store, queue = ObjectStore(), new_queue()
    reader, parity = Reader(store), ParityBook(ParityProbe(session).vectors)
    asked = queries(settings, now=utc_now)
    histories = Histories(History(), History())
    events = EventRecorder(client, instance=settings.pod_name)
    statuses = StatusWriter(client, store=store)
    reporter = Reporter(statuses, events=events, now=utc_now)

    def survey(timeout_seconds: float) -> Survey:
        return _survey(reader, histories, session=session, record=record, timeout_seconds=timeout_seconds)

    def decided(scene: Scene, decision: Decision, seconds: float) -> None:
        record.decided(scene, decision, seconds)
        asked.decided(scene)

    catalog = Catalog(store)
    preparations = Preparations(catalog)
    steps = Steps(
        reader=reader,
        preparations=preparations,
        observer=_observer(store, catalog, reader=reader, histories=histories, asked=asked),
        decided=decided,
        comparison=Comparison(parity, again=queue.add),
        gateways=Gateways(store=store),
        renderings=Renderings(EngineDefaults(image=settings.engine_image), gateway=gateway_defaults(settings)),
        children=Children(writer=ChildWriter(client, store=store)),
        reporter=reporter,
    )
    return Parts(
        store=store,
        reader=reader,
        queue=queue,
        feed=Feed(store=store, sink=queue),
        survey=survey(POLL_TIMEOUT_SECONDS),
        quick_survey=survey(LOOK_TIMEOUT_SECONDS),
        parity=parity,
        queries=asked,
        preparations=preparations,
        events=events,
        reporter=reporter,
        services=ServiceReconciler(steps),
        cluster_objects=ClusterObjectReconciler(store=store, statuses=statuses, now=utc_now),
    )


def new_queue() -> Keys:
    """Return an empty queue on the time of the running event loop."""
    return KeyedQueue(timeline=asyncio.get_running_loop(), backoff=Backoff(jitter=random.random))


def reception(
    client: Client, *, leads: Callable[[], bool], notice: Callable[[ObjectKey], None], record: Record
) -> Reception:
    """Return who takes the notices of gateways and asks the API server whose they are."""

    async def review(token: str) -> str | None:
        return await reviewed(client, token, audience=AUDIENCE)

    return Reception(
        leads=leads,
        user_of=Identities(review, monotonic=time.monotonic).user_of,
        notice=notice,
        counted=record.exporter.noticed,
    )


def gateway_defaults(settings: Settings) -> GatewayDefaults:
    """Return what the gateways of all services take from this installation."""
    return GatewayDefaults(
        image=settings.gateway_image,
        cluster_role=settings.gateway_cluster_role,
        node_selector=dict(settings.gateway_node_selector),
        tolerations=settings.gateway_tolerations,
        operator_host=settings.attention_host,
        operator_port=settings.attention_port,
        operator_namespace=settings.namespace,
        operator_labels=dict(settings.pod_labels),
        metrics_namespaces=settings.metrics_namespaces,
    )


def utc_now() -> datetime:
    """Return the current instant."""
    return datetime.now(UTC)


def _survey(
    reader: Reader, histories: Histories, *, session: aiohttp.ClientSession, record: Record, timeout_seconds: float
) -> Survey:
    failed = record.exporter.poll_failed
    return Survey(
        reader=reader,
        poll_engines=EnginePoller(session, now=utc_now, failed=failed, timeout_seconds=timeout_seconds).poll,
        poll_gateways=GatewayPoller(session, now=utc_now, failed=failed, timeout_seconds=timeout_seconds).poll,
        engines=histories.engines,
        gateways=histories.gateways,
        now=utc_now,
    )


def _observer(
    store: ObjectStore, catalog: Catalog, *, reader: Reader, histories: Histories, asked: Queries
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
    )
