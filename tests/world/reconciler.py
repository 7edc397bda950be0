"""A reconciler on a store of values, and an API server that accepts every write."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.placement.parity import Vectors
from embedding_operator.kube.client import Client, connect
from embedding_operator.kube.events import EventRecorder
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.writer import ChildWriter
from embedding_operator.reconcile.pipeline.apply import Children
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.compare_vectors import Comparison
from embedding_operator.reconcile.pipeline.observe import Observed, Observer
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.report import Reporter
from embedding_operator.reconcile.pipeline.service import ServiceReconciler, Steps
from embedding_operator.reconcile.pipeline.validate import Preparations
from embedding_operator.reconcile.sources.parity_probes import ParityBook
from embedding_operator.rendering.renderer import EngineDefaults
from embedding_operator.telemetry.history import History

from tests.golden import cases
from tests.world.builders import NOON
from tests.world.http_server import Answer, HttpServer, http_server
from tests.world.objects import Body, embedding_service, gpu_pool, namespace

KEY = ObjectKey(EMBEDDING_SERVICE.kind, "search", "qwen")


def service_on(*pools: str, version: int = 1, **fields: Any) -> Body:
    """Return the service that `KEY` names, with at least one replica on every pool."""
    body = embedding_service(version=version, **fields)
    listed = [{"gpuPool": pool, "minReplicas": 1, "maxReplicas": 4} for pool in pools]
    return {**body, "spec": {**body["spec"], "pools": listed}}


@dataclass
class Clock:
    """A clock with the time that a test has set."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class World:
    """What a test uses: the store and samples to change, the requests that were made, the decisions that were taken."""

    server: HttpServer
    store: ObjectStore
    reconciler: ServiceReconciler
    reporter: Reporter
    decisions: list[Decision]
    clock: Clock
    engines: History[str, EngineSample]

    def put(self, *bodies: Body) -> None:
        for body in bodies:
            self.store.upsert(body["kind"], body)

    def written(self) -> list[str]:
        """Return what was written since the last call, as `Kind name`, statuses as `Kind name status`."""
        writes = [
            " ".join([body["kind"], body["metadata"]["name"], *(["status"] if "status" in body else [])])
            for request, body in zip(self.server.requests, self.server.bodies, strict=True)
            if request.method != "GET"
        ]
        self.server.requests.clear()
        self.server.bodies.clear()
        return writes


@dataclass
class _Objects:
    """Accepts what is applied and gives it a UID."""

    store: ObjectStore
    version: int = 100
    uids: dict[str, str] = field(default_factory=dict)

    def answer(self, request: web.Request, body: Any) -> Answer:
        if request.method != "PATCH":
            return 404, {"message": "not found"}
        self.version += 1
        metadata = body["metadata"]
        known = self.store.get(body["kind"], metadata["namespace"], metadata["name"]) or {}
        identity = {
            "uid": f"{body['kind']}-{metadata['name']}",
            "creationTimestamp": "2026-06-03T12:00:00Z",
            **known.get("metadata", {}),
            **metadata,
            "resourceVersion": str(self.version),
        }
        return 200, {**known, **body, "metadata": identity}


async def _silent(_: str) -> Vectors | None:
    return None


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Build a world with a namespace and the GPUPools `a10` and `t4`."""
    store = ObjectStore()
    async with http_server(folder) as server:
        server.otherwise = _Objects(store).answer
        async with await connect(kubeconfig=server.kubeconfig, user_agent="test") as client:
            built = _built(client, store=store, server=server)
            built.put(namespace(), gpu_pool("a10"), gpu_pool("t4"))
            yield built


def _built(client: Client, *, store: ObjectStore, server: HttpServer) -> World:
    reader, catalog, decisions, clock = Reader(store), Catalog(store), list[Decision](), Clock()
    engines: History[str, EngineSample] = History()

    def decided(_: Observed, decision: Decision, __: float) -> None:
        decisions.append(decision)

    events = EventRecorder(client, instance="test", now=clock)
    reporter = Reporter(StatusWriter(client, store=store), events=events, now=clock)
    steps = Steps(
        reader=reader,
        preparations=Preparations(catalog),
        observer=Observer(store=store, catalog=catalog, reader=reader, engines=engines, gateways=History(), now=clock),
        decided=decided,
        comparison=Comparison(ParityBook(_silent), again=lambda _: None),
        gateways=Gateways(store=store, reader=reader),
        renderings=Renderings(EngineDefaults(image="sglang"), gateway=cases.GATEWAY),
        children=Children(writer=ChildWriter(client, store=store)),
        reporter=reporter,
    )
    return World(server, store, ServiceReconciler(steps), reporter, decisions, clock, engines)
