"""The operator's life cycle: connect, wait for the Lease, lead, and lose or release the Lease."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from embedding_operator.app.components import Components, build, new_queue, poke_handler
from embedding_operator.app.garbage import leave_out_what_is_known
from embedding_operator.app.loops import SWEEP_SECONDS, Loops, periodically, relisting
from embedding_operator.app.pages import MetricsPage, health
from embedding_operator.app.recorder import Recorder
from embedding_operator.app.tasks import Tasks
from embedding_operator.kube.client import connect
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.lease import Lease
from embedding_operator.kube.store import ObjectKey
from embedding_operator.listener import Listener
from embedding_operator.poke.pollers import PokePoller
from embedding_operator.poke.server import serve
from embedding_operator.reconcile.workqueue.ticker import Ticker
from embedding_operator.reconcile.workqueue.workers import work
from embedding_operator.settings import Settings
from embedding_operator.telemetry.exporter import Exporter
from embedding_operator.telemetry.fetch import pod_session

_log = structlog.get_logger(__name__)

READ_RETRY_SECONDS = 2.0


class Operator:
    """One running operator. kopf's life cycle calls `start` and `stop`; `ended` is called when it must exit."""

    def __init__(self, settings: Settings, *, version: str, kubeconfig: Path | None, ended: Callable[[], None]) -> None:
        self._settings = settings
        self._version = version
        self._kubeconfig = kubeconfig
        self._ended = ended
        self.stopped = asyncio.Event()
        self._watch_began = asyncio.Event()
        self._recorder = Recorder(Exporter(version=version))
        self._tasks = Tasks(failed=ended)
        self._components: Components | None = None
        self._ticker: Ticker | None = None
        self._listeners: list[Listener] = []

    def seen(self, kind: str, body: Mapping[str, Any], deleted: bool) -> None:  # noqa: FBT001 - the watches' callback
        """Process one watch event."""
        if self._components is not None:
            self._components.enqueuer.seen(kind, body, deleted=deleted)

    def watch_began(self) -> None:
        """Have the whole cluster read again soon: a watch that begins anew says nothing of what was deleted before."""
        self._watch_began.set()

    def idle_seconds(self) -> float:
        """Return how long ago the last tick completed; 0 before this process leads."""
        return 0.0 if self._ticker is None else self._ticker.idle_seconds()

    async def start(self) -> None:
        """Connect, read the whole cluster once, and start working as soon as the Lease is held.

        Waits as long as the cluster cannot be read: Kubernetes lets a process that keeps exiting wait for minutes.
        """
        try:
            await self._start()
        except Exception:
            self._ended()
            raise

    async def stop(self) -> None:
        """Stop all work and release the Lease."""
        await self._tasks.cancel()
        for listener in self._listeners:
            await listener.stop()
        if self._components is not None:
            await self._components.parity.close()
            await self._components.queries.close()
        if self._settings.lease:
            with contextlib.suppress(Conflict, Gone, Unavailable):
                await self._lease.release()
        await self._session.close()
        await self._client.close()
        _log.info("stopped")
        self.stopped.set()

    async def _start(self) -> None:
        settings = self._settings
        await self._listen(health(self.idle_seconds), port=settings.health_port)
        await self._listen(MetricsPage(self._recorder.exporter.page).application(), port=settings.metrics_port)
        self._client = await connect(
            kubeconfig=self._kubeconfig,
            user_agent=f"embedding-operator/{self._version}",
            observer=self._recorder.requested,
        )
        self._session = pod_session()
        self._lease = Lease(
            self._client, namespace=settings.namespace, name=settings.lease_name, identity=settings.pod_name
        )
        writing = self._client.behind(self._lease.write_seconds) if settings.lease else self._client
        self._components = components = build(settings, client=writing, session=self._session, recorder=self._recorder)
        loops = Loops(components, client=self._client, recorder=self._recorder, namespaces=settings.watch_namespaces)
        await _until_read(loops.relist)
        leave_out_what_is_known()
        poke_poller = PokePoller(
            loops.poll, queue=new_queue(), timeline=asyncio.get_running_loop(), guard=components.guard
        )

        def poked(key: ObjectKey) -> None:
            components.poke_times.poked(key)
            poke_poller.poke(key)

        handler = poke_handler(
            self._client, leads=lambda: self._ticker is not None, poke=poked, recorder=self._recorder
        )
        self._listeners.append(await serve(handler, port=settings.poke_port))
        self._tasks.spawn(self._lead(components, loops=loops, poke_poller=poke_poller), name="lead")

    async def _listen(self, application: web.Application, *, port: int) -> None:
        listener = Listener(application)
        await listener.start(port)
        self._listeners.append(listener)

    async def _lead(self, components: Components, *, loops: Loops, poke_poller: PokePoller) -> None:
        """Work while this process holds the Lease; the process exits when the Lease is lost."""
        if self._settings.lease:
            await self._lease.acquire()
            self._tasks.spawn(self._keep_lease(), name="lease")
        self._recorder.exporter.leads(leader=True)
        _log.info("leading", services=len(components.reader.services()))
        guard = components.guard
        self._ticker = Ticker(loops.tick, period=self._settings.poll_seconds, monotonic=time.monotonic, guard=guard)
        for number in range(self._settings.workers):
            worker = work(components.queue, loops.reconcile, on_result=self._recorder.reconciled)
            self._tasks.spawn(worker, name=f"worker-{number}")
        self._tasks.spawn(self._ticker.run(), name="ticker")
        self._tasks.spawn(poke_poller.run(), name="poke-poller")
        self._tasks.spawn(components.events.run(), name="events")
        self._tasks.spawn(periodically(SWEEP_SECONDS, loops.sweep, guard=guard), name="sweep")
        self._tasks.spawn(relisting(loops.relist, self._watch_began, guard=guard), name="relist")

    async def _keep_lease(self) -> None:
        await self._lease.keep()
        _log.error("the Lease is lost: another process leads now")
        self._ended()


async def _until_read(relist: Callable[[], Awaitable[None]]) -> None:
    """Read the whole cluster, again and again until that succeeds; log why it does not, whenever that changes."""
    said = ""
    while True:
        try:
            return await relist()
        except (Conflict, Gone, Unavailable) as error:
            if str(error) != said:
                said = str(error)
                _log.warning("the cluster cannot be read yet: trying again", error=said)
        await asyncio.sleep(READ_RETRY_SECONDS)
