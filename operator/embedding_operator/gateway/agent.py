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
from embedding_operator.gateway.endpoints import endpoints
from embedding_operator.gateway.haproxy_socket import RuntimeSocket, Unreachable
from embedding_operator.gateway.haproxy_state import UnreadableAnswer
from embedding_operator.gateway.keys import folder_version, read_keys, read_map, write_map
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
        self._changed = asyncio.Event()
        self._terminated = asyncio.Event()
        self._haproxy_ended = asyncio.Event()
        self._unready = "HAProxy has not been reached yet"
        self._keys_version: str | None = None
        self._coalescer = Coalescer(self._poke, timeline=asyncio.get_running_loop())
        self._unreachable = Seldom("HAProxy cannot be reached")
        self._refused = Seldom("HAProxy refused commands")
        self._watch_fails = Seldom("the engines cannot be watched: keeping the known ones")
        self._unheard = Seldom("poking the operator failed")

    async def run(self) -> None:
        """Run until SIGTERM, and then for as long as HAProxy serves; raises the error of a task that fails."""
        # The keys that were last written are valid: the Secret may by now hold one that cannot be used.
        self._want(replace(self._wanted, clients=read_map(self._settings.keys_map)))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminated.set)
        surface = web.Surface(
            unready=lambda: self._unready, poke=self._coalescer.call, exposition=self._metrics.exposition
        )
        server = await web.serve(surface, port=self._settings.port)
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
            await server.cleanup()
        _log.info("stopped")

    async def _follow_engines(self) -> None:
        settings = self._settings
        collection = endpoint_slices(namespace=settings.namespace, selector=settings.engines_selector)
        async for slices in follow(self._client, collection, failed=self._watch_failed):
            found = endpoints(
                slices.values(), port_name=settings.engines_port, max_connections=settings.max_connections
            )
            self._metrics.endpoints(found)
            self._want(replace(self._wanted, endpoints=found))

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
        """Load the keys if the Secret changed; a Secret with an unusable key changes nothing."""
        folder = self._settings.keys_folder
        found = folder_version(folder)
        if found == self._keys_version:
            return
        try:
            read = read_keys(folder)
            if not read.problems:
                write_map(self._settings.keys_map, read.clients)
                self._want(replace(self._wanted, clients=read.clients))
        except OSError as error:
            self._metrics.failed("keys")
            _log.error("the API keys cannot be read", error=str(error))
            return
        self._keys_version = found
        for problem in read.problems:
            self._metrics.failed("keys")
            _log.error("an API key cannot be used: keeping the previous keys", problem=problem)

    async def _keep_in_step(self) -> None:
        while True:
            self._changed.clear()
            pause = HEAL_SECONDS if await self._step() else RESTLESS_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._changed.wait()

    async def _step(self) -> bool:
        """Run one step; return whether the next one can wait for a change."""
        try:
            taken = await reconcile.step(
                self._runtime,
                self._wanted,
                keys_map=self._settings.keys_map,
                state_map=self._settings.state_map,
            )
        except (Unreachable, UnreadableAnswer) as error:
            self._metrics.failed("sync")
            self._unreachable.warn(problem=str(error))
            self._unready = self._terminating() or str(error)
            if self._terminated.is_set():
                self._haproxy_ended.set()
            return False
        if taken.refused:
            self._metrics.failed("sync")
            self._refused.warn(problems=list(taken.refused))
        self._unready = self._terminating() or ("" if taken.serves else "the engines are not known yet")
        return taken.at_rest and not taken.refused

    def _terminating(self) -> str:
        return "the pod is terminating" if self._terminated.is_set() else ""

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
        """Wait for SIGTERM, report at once that the pod is terminating, and keep on while HAProxy finishes requests."""
        await self._terminated.wait()
        self._unready = self._terminating()
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
