"""The operator's begin and end, and what happens in between: it waits for the Lease, leads, and loses or returns it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from embedding_operator.app.components import Parts, new_queue, reception, wired
from embedding_operator.app.loops import CENSUS_SECONDS, RELIST_SECONDS, Rounds, periodically
from embedding_operator.app.recorder import Record
from embedding_operator.app.tasks import Tasks
from embedding_operator.kube.client import connect
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.lease import Lease
from embedding_operator.poke.pollers import Looks
from embedding_operator.poke.server import serve
from embedding_operator.reconcile.workqueue.ticker import Ticker
from embedding_operator.reconcile.workqueue.workers import work
from embedding_operator.settings import Settings
from embedding_operator.telemetry.exporter import Exporter
from embedding_operator.telemetry.questions import pod_session

_log = structlog.get_logger(__name__)


class App:
    """One running operator. `start` and `stop` are called by kopf's life cycle; `ended` is called when it must end."""

    def __init__(self, settings: Settings, *, version: str, kubeconfig: Path | None, ended: Callable[[], None]) -> None:
        self._settings = settings
        self._version = version
        self._kubeconfig = kubeconfig
        self._ended = ended
        self.stopped = asyncio.Event()
        self._record = Record(Exporter(version=version))
        self._tasks = Tasks(failed=ended)
        self._parts: Parts | None = None
        self._ticker: Ticker | None = None
        self._server: web.AppRunner | None = None

    def seen(self, kind: str, body: Mapping[str, Any], deleted: bool) -> None:  # noqa: FBT001 - the watches' callback
        """Take in one watch event."""
        if self._parts is not None:
            self._parts.feed.seen(kind, body, deleted=deleted)

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

    async def stop(self) -> None:
        """End all work and give the Lease up."""
        await self._tasks.cancel()
        if self._server is not None:
            await self._server.cleanup()
        if self._parts is not None:
            await self._parts.parity.close()
            await self._parts.queries.close()
        if self._settings.lease:
            with contextlib.suppress(Conflict, Gone, Unavailable):
                await self._lease.release()
        await self._session.close()
        await self._client.close()
        _log.info("stopped")
        self.stopped.set()

    async def _start(self) -> None:
        settings = self._settings
        self._client = await connect(
            kubeconfig=self._kubeconfig,
            user_agent=f"embedding-operator/{self._version}",
            observer=self._record.requested,
        )
        self._session = pod_session()
        self._lease = Lease(
            self._client, namespace=settings.namespace, name=settings.lease_name, identity=settings.pod_name
        )
        self._record.exporter.serve(settings.metrics_port)
        writing = self._client.behind(self._lease.held) if settings.lease else self._client
        self._parts = parts = wired(settings, client=writing, session=self._session, record=self._record)
        rounds = Rounds(parts, client=self._client, record=self._record, namespaces=settings.watch_namespaces)
        await rounds.relist()
        looks = Looks(rounds.look, queue=new_queue(), monotonic=asyncio.get_running_loop().time)
        notices = reception(
            self._client, leads=lambda: self._ticker is not None, notice=looks.notice, record=self._record
        )
        self._server = await serve(notices, port=settings.attention_port)
        self._tasks.spawn(self._lead(parts, rounds=rounds, looks=looks), name="lead")

    async def _lead(self, parts: Parts, *, rounds: Rounds, looks: Looks) -> None:
        """Work while this process holds the Lease; the process ends when the Lease is lost."""
        if self._settings.lease:
            await self._lease.acquire()
            self._tasks.spawn(self._keep_lease(), name="lease")
        self._record.exporter.leads(leader=True)
        _log.info("leading", services=len(parts.reader.services()))
        self._ticker = Ticker(rounds.tick, period=self._settings.poll_seconds, monotonic=time.monotonic)
        for number in range(self._settings.workers):
            worker = work(parts.queue, rounds.reconcile, observed=self._record.reconciled)
            self._tasks.spawn(worker, name=f"worker-{number}")
        self._tasks.spawn(self._ticker.run(), name="ticker")
        self._tasks.spawn(looks.run(), name="looks")
        self._tasks.spawn(parts.events.run(), name="events")
        self._tasks.spawn(periodically(CENSUS_SECONDS, rounds.census), name="census")
        self._tasks.spawn(periodically(RELIST_SECONDS, rounds.relist), name="relist")

    async def _keep_lease(self) -> None:
        await self._lease.keep()
        _log.error("the Lease is lost: another process leads now")
        self._ended()
