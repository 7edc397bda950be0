"""The agent as a process: what it watches, when it synchronizes HAProxy, and how it stops."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import aiohttp
import structlog

from embedding_operator.gateway import metrics, reconcile, web
from embedding_operator.gateway.endpoint_slices import endpoint_slices
from embedding_operator.gateway.endpoints import Endpoint, endpoints
from embedding_operator.gateway.haproxy_socket import RuntimeSocket, Unreachable
from embedding_operator.gateway.haproxy_state import Server, UnreadableAnswer
from embedding_operator.gateway.keys import UNUSABLE_KEY, folder_version, read_keys, read_map, write_map
from embedding_operator.gateway.members import read_members, write_members
from embedding_operator.gateway.outliers import Outliers, judged
from embedding_operator.gateway.poke import Coalescer, Operator
from embedding_operator.gateway.settings import Settings
from embedding_operator.gateway.throttled_log import Seldom
from embedding_operator.kube.client import Client, connect
from embedding_operator.kube.watch import follow

HEAL_SECONDS = 5.0
RESTLESS_SECONDS = 1.0
SOCKET_SECONDS = 0.25
KEYS_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Agent:
    """Keeps one HAProxy in sync with the cluster until SIGTERM."""

    def __init__(self, settings: Settings, *, client: Client, session: aiohttp.ClientSession) -> None:
        self._settings = settings
        self._client = client
        self._session = session
        self._runtime = RuntimeSocket(path=settings.socket)
        self._metrics = metrics.Metrics()
        self._wanted = reconcile.Wanted()
        self._outliers = Outliers()
        self._changed = asyncio.Event()
        self._terminated = asyncio.Event()
        self._haproxy_ended = asyncio.Event()
        self._keys_version: str | None = None
        self._coalescer = Coalescer(self._poke, timeline=asyncio.get_running_loop())
        self._unreachable = Seldom("HAProxy cannot be reached")
        self._refused = Seldom("HAProxy refused commands")
        self._watch_fails = Seldom("the engines cannot be watched: keeping the known ones")
        self._unheard = Seldom("poking the operator failed")
        self._unkept = Seldom("the engines cannot be written down: a restart needs the API server")

    async def run(self) -> None:
        """Run until SIGTERM, and then for as long as HAProxy serves; raises the error of a task that fails."""
        # What an earlier agent of this pod knew is valid until the cluster and the Secret have been read.
        settings = self._settings
        self._want(
            replace(self._wanted, clients=read_map(settings.keys_map), endpoints=read_members(settings.members_file))
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminated.set)
        surface = web.Surface(poke=self._coalescer.call, exposition=self._metrics.exposition)
        server = await web.serve(surface, port=settings.port)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(work, name=name)
                    for name, work in {
                        "engines": self._follow_engines(),
                        "socket": _every(SOCKET_SECONDS, self._look_at_socket()),
                        "keys": _every(KEYS_SECONDS, self._look_at_keys),
                        "steps": self._keep_in_step(),
                        "poke": self._coalescer.run(),
                    }.items()
                ]
                await self._linger()
                for task in tasks:
                    task.cancel()
        finally:
            await server.stop()
        _log.info("stopped")

    async def _follow_engines(self) -> None:
        settings = self._settings
        collection = endpoint_slices(namespace=settings.namespace, selector=settings.engines_selector)
        async for slices in follow(self._client, collection, failed=self._watch_failed):
            found = endpoints(
                slices.values(), port_name=settings.engines_port, max_connections=settings.max_connections
            )
            self._metrics.endpoints(found)
            if found != self._wanted.endpoints:
                self._keep_members(found)
            self._want(replace(self._wanted, endpoints=found))

    def _keep_members(self, found: tuple[Endpoint, ...]) -> None:
        try:
            write_members(self._settings.members_file, found)
        except OSError as error:
            self._metrics.failed("members")
            self._unkept.warn(error=str(error))

    def _watch_failed(self, error: Exception) -> None:
        self._metrics.failed("watch")
        self._watch_fails.warn(error=str(error))

    def _want(self, wanted: reconcile.Wanted) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    def _look_at_socket(self) -> Callable[[], None]:
        """Return a check that triggers a step when another HAProxy has created the socket."""
        seen: tuple[int, int] | None = None

        def look() -> None:
            nonlocal seen
            found = _identity(self._settings.socket)
            if found != seen:
                seen = found
                self._changed.set()

        return look

    def _look_at_keys(self) -> None:
        """Load the keys if the Secret changed; an unusable key keeps only its own client out."""
        folder = self._settings.keys_folder
        found = folder_version(folder)
        if found == self._keys_version:
            return
        try:
            read = read_keys(folder)
            write_map(self._settings.keys_map, read.clients)
        except OSError as error:
            self._metrics.failed("keys")
            _log.error("the API keys cannot be read", error=str(error))
            return
        self._want(replace(self._wanted, clients=read.clients))
        self._keys_version = found
        self._metrics.unusable_keys(len(read.problems))
        for problem in read.problems:
            _log.error(UNUSABLE_KEY, problem=problem)

    async def _keep_in_step(self) -> None:
        while True:
            self._changed.clear()
            can_wait = await self._step()
            pause = HEAL_SECONDS if can_wait and not self._has_alternatives() else RESTLESS_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _step(self) -> bool:
        """Run one step; return whether the next one can wait for a change."""
        try:
            taken = await reconcile.step(
                self._runtime,
                self._led(),
                keys_map=self._settings.keys_map,
                state_map=self._settings.state_map,
            )
        except (Unreachable, UnreadableAnswer) as error:
            self._metrics.failed("sync")
            self._unreachable.warn(problem=str(error))
            if self._terminated.is_set():
                self._haproxy_ended.set()
            return False
        self._judge(taken.servers)
        if taken.refused:
            self._metrics.failed("sync")
            self._refused.warn(problems=list(taken.refused))
        return taken.at_rest and not taken.refused

    def _has_alternatives(self) -> bool:
        """Return whether engines can be compared with each other, so that their answers need to be looked at."""
        return len(self._wanted.endpoints or ()) > 1

    def _led(self) -> reconcile.Wanted:
        """Return HAProxy's desired state without the engines that are out for their answers."""
        endpoints = self._wanted.endpoints
        return replace(self._wanted, endpoints=None if endpoints is None else self._outliers.applied(endpoints))

    def _judge(self, servers: tuple[Server, ...]) -> None:
        """Find the engines that fail while others do not; a change is a reason for another step."""
        before, now = self._outliers, asyncio.get_running_loop().time()
        self._outliers = judged(before, servers, now=now)
        self._metrics.outliers(len(self._outliers.out))
        if before.out != self._outliers.out:
            _log.warning("engines that get no requests for their answers changed", engines=sorted(self._outliers.out))
            self._changed.set()

    async def _poke(self) -> None:
        settings = self._settings
        if not settings.operator_host:
            return
        operator = Operator(
            host=settings.operator_host,
            port=settings.operator_port,
            token_file=settings.token_file,
            namespace=settings.namespace,
            service=settings.service,
        )
        problems = await operator.poke(self._session)
        self._metrics.poke(metrics.FAILED if problems else metrics.SENT)
        if problems:
            self._unheard.warn(problems=list(problems))

    async def _linger(self) -> None:
        """Wait for SIGTERM, ask clients to leave, and keep on while HAProxy finishes requests.

        A failed liveness probe sends SIGTERM too. Its grace period is that of the probe, a few seconds; the agent that
        starts next takes the request to leave back.
        """
        await self._terminated.wait()
        self._want(replace(self._wanted, ending=True))
        _log.info("terminating", linger_seconds=self._settings.linger_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.linger_seconds):
                await self._haproxy_ended.wait()


async def run(settings: Settings, *, kubeconfig: Path | None) -> None:
    """Run an agent for the cluster of `kubeconfig`, or for the cluster that this pod runs in."""
    user_agent = f"embedding-operator-gateway/{version('embedding-operator')}"
    async with (
        await connect(kubeconfig=kubeconfig, user_agent=user_agent, connections=4) as client,
        aiohttp.ClientSession() as session,
    ):
        await Agent(settings, client=client, session=session).run()


async def _every(seconds: float, look: Callable[[], None]) -> None:
    while True:
        look()
        await asyncio.sleep(seconds)


def _identity(socket: Path) -> tuple[int, int] | None:
    """Return an identity that changes whenever HAProxy restarts, None if there is no socket."""
    try:
        found = socket.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns
