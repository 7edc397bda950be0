"""A bug in every step, one after the other: it is counted, and everything else goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from embedding_operator.app import loops as loops_module
from embedding_operator.app.components import Components, build
from embedding_operator.app.loops import Loops, periodically, relisting
from embedding_operator.app.recorder import Recorder
from embedding_operator.guard import Guard
from embedding_operator.kube.client import connect
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE, GPU_POOL
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.reconcile.pipeline.service import ServiceReconciler
from embedding_operator.reconcile.pipeline.validate import Preparations
from embedding_operator.reconcile.sources.collector import Collector
from embedding_operator.reconcile.sources.triggers import TriggerBook
from embedding_operator.settings import Settings
from embedding_operator.telemetry.exporter import Exporter
from embedding_operator.telemetry.fetch import pod_session
from prometheus_client.parser import text_string_to_metric_families

from tests.world.http_server import Answer, http_server
from tests.world.objects import Body, ago, embedding_service, gpu_pool, namespace, pod

SERVICES = ("first", "second")
KEYS = {ObjectKey(EMBEDDING_SERVICE.kind, "search", name) for name in SERVICES}


@dataclass
class Running:
    """The loops of an operator with two services, and what they work on."""

    loops: Loops
    components: Components
    exporter: Exporter

    def errors(self) -> dict[str, float]:
        """Return the unexpected errors so far, by step."""
        return {
            sample.labels["step"]: sample.value
            for family in text_string_to_metric_families(self.exporter.page())
            for sample in family.samples
            if sample.name == "embsvc_step_errors_total"
        }

    async def queued(self) -> set[ObjectKey]:
        """Return the keys that are due, and take them from the queue."""
        depth, _ = self.components.queue.overdue()
        return {await self.components.queue.get() for _ in range(depth)}


def _empty_lists(request: web.Request, _: Any) -> Answer:
    return 200, {"kind": "List", "metadata": {"resourceVersion": "1"}, "items": []}


def _named(name: str) -> Body:
    body = embedding_service()
    return {**body, "metadata": {**body["metadata"], "name": name, "uid": f"{name}-uid"}}


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    async with http_server(folder) as server, pod_session() as session:
        server.otherwise = _empty_lists
        async with await connect(kubeconfig=server.kubeconfig, user_agent="test") as client:
            exporter = Exporter(version="test")
            components = build(Settings(), client=client, session=session, recorder=Recorder(exporter))
            for body in (namespace(), gpu_pool(), *map(_named, SERVICES), pod(ready=ago(60))):
                components.store.upsert(body["kind"], body)
            loops = Loops(components, client=client, recorder=Recorder(exporter), namespaces=())
            yield Running(loops, components, exporter)
            await components.queries.close()


def _bug(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


def _bug_in_the_first(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return `method`, which fails for the first of the two services."""

    def called(self: Any, service: ServiceObject, *args: Any, **kwargs: Any) -> Any:
        return _bug() if service.name == SERVICES[0] else method(self, service, *args, **kwargs)

    return called


@pytest.mark.parametrize(
    ("step", "owner", "method"),
    [
        ("prepare", Preparations, "prepare"),
        ("endpoints", Reader, "gateway_pods"),
        ("endpoints", Reader, "pools"),
    ],
)
async def test_an_error_in_one_service_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, owner: type, method: str
) -> None:
    monkeypatch.setattr(owner, method, _bug_in_the_first(getattr(owner, method)))
    async with running(tmp_path) as world:
        await world.loops.tick()
        assert world.errors() == {step: 1.0}
        assert await world.queued() == KEYS


@pytest.mark.parametrize(
    ("step", "owner", "method"),
    [("triggers", TriggerBook, "refresh"), ("collect", Collector, "collect")],
)
async def test_an_error_in_a_step_of_the_tick_leaves_the_other_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, owner: type, method: str
) -> None:
    monkeypatch.setattr(owner, method, _bug)
    async with running(tmp_path) as world:
        await world.loops.tick()
        assert world.errors() == {step: 1.0}
        assert await world.queued() == KEYS


@pytest.mark.parametrize(
    ("step", "owner", "name"),
    [("autoscalers", loops_module, "conflicting_scalers"), ("forget", ServiceReconciler, "forget_all_but")],
)
async def test_an_error_in_a_step_of_the_sweep_leaves_the_other_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, owner: object, name: str
) -> None:
    monkeypatch.setattr(owner, name, _bug)
    async with running(tmp_path) as world:
        await world.loops.sweep()
        assert world.errors() == {step: 1.0}
        assert await world.queued() == {ObjectKey(GPU_POOL.kind, "", "a10")}


async def test_an_api_server_that_is_away_is_no_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise Unavailable("no answer in time")

    monkeypatch.setattr(loops_module, "conflicting_scalers", away)
    async with running(tmp_path) as world:
        await world.loops.sweep()
        assert world.errors() == {}
        assert await world.queued() == {ObjectKey(GPU_POOL.kind, "", "a10")}


async def test_a_periodic_step_that_fails_runs_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 1:
            raise asyncio.CancelledError

    monkeypatch.setattr(ObjectStore, "replace_all", _bug)
    async with running(tmp_path) as world:
        with pytest.raises(asyncio.CancelledError):
            await periodically(600.0, world.loops.relist, guard=world.components.guard, sleep=sleep)
        assert world.errors() == {"relist": 2.0}


async def test_a_watch_that_begins_anew_leads_to_a_full_list_until_one_succeeds() -> None:
    listed, watch_began, failures = asyncio.Event(), asyncio.Event(), [Unavailable("no answer in time")]
    times = 0

    async def relist() -> None:
        nonlocal times
        times += 1
        if failures:
            raise failures.pop()
        listed.set()

    guard = Guard(lambda _: None, expected=(Unavailable,))
    task = asyncio.create_task(relisting(relist, watch_began, guard=guard, gather=0.0))
    await asyncio.sleep(0)
    assert times == 0
    watch_began.set()
    watch_began.set()
    await asyncio.wait_for(listed.wait(), 30)
    task.cancel()

    assert times == 2
    assert not watch_began.is_set()
