"""A proxy between one operator and the API server, which names every write and injects the fault that is set.

It runs on a thread of its own, so that a test may block in kubectl, which goes to the API server directly.
"""

import asyncio
import json
import ssl
import threading
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import aiohttp
from aiohttp import web
from yarl import URL

from testbed.engine.process import LOOPBACK, free_port

START_SECONDS = 30
MAXIMUM_BODY = 64 * 2**20
VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
NO_STATE = frozenset({"events", "leases", "tokenreviews"})
"""What is written about the process or its work, not what it works on."""


class Dropped(Exception):  # noqa: N818 - it says what happens to the request
    """The client gets no answer: its connection is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `number` is that of a write since the fault was set."""

    method: str
    resource: str
    name: str
    target: str
    headers: dict[str, str]
    body: bytes
    is_watch: bool
    number: int

    @property
    def is_write(self) -> bool:
        """Return whether an object that the operator works on is to be changed."""
        return self.method in VERBS and self.resource.partition("/")[0] not in NO_STATE

    def __str__(self) -> str:
        return f"{VERBS.get(self.method, 'watch' if self.is_watch else 'get')} {self.resource} {self.name}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One whole answer of the API server."""

    status: int
    headers: dict[str, str]
    body: bytes


class Forward(Protocol):
    """Sends a call to the API server."""

    async def __call__(self, call: Call) -> Reply: ...


class Fault:
    """What happens to calls; this one lets all of them pass."""

    async def answer(self, call: Call, forward: Forward) -> Reply:
        """Return the answer to a call that is not a watch, or raise `Dropped`."""
        return await forward(call)

    def opens_watches(self) -> Reply | None:
        """Return what a new watch is refused with; None if it is opened."""
        return None

    def withholds(self) -> bool:
        """Return whether events of an open watch are lost."""
        return False


PASS = Fault()


class ApiProxy:
    """The proxy. `writes` are the writes since the last `set`, in order of arrival, whatever became of them."""

    def __init__(self, *, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        self._config = config
        cluster = config["clusters"][0]["cluster"]
        self._upstream: str = cluster["server"]
        self._context = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
        self._port = free_port()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._watches: set[asyncio.Transport] = set()
        self._fault = PASS
        self.writes: list[Call] = []

    def start(self) -> None:
        """Serve; return once connections are accepted."""
        self._thread.start()
        assert self._started.wait(START_SECONDS), "the proxy does not start"

    def stop(self) -> None:
        """Stop serving and close every connection."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_SECONDS)
        assert not self._thread.is_alive(), "the proxy does not stop"
        self._loop.close()

    def set(self, fault: Fault = PASS) -> None:
        """Inject `fault` from now on, none by default; watches are cut, so that they are subject to it too."""
        asyncio.run_coroutine_threadsafe(self._set(fault), self._loop).result(START_SECONDS)

    def write_kubeconfig(self, path: Path) -> Path:
        """Write the credentials of the same user by way of the proxy."""
        clusters = [
            {**each, "cluster": {"server": f"http://{LOOPBACK}:{self._port}"}} for each in self._config["clusters"]
        ]
        path.write_text(json.dumps({**self._config, "clusters": clusters}))
        path.chmod(0o600)
        return path

    async def _set(self, fault: Fault) -> None:
        self._fault, self.writes = fault, []
        for transport in tuple(self._watches):
            transport.abort()

    async def _run(self) -> None:
        app = web.Application(client_max_size=MAXIMUM_BODY)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        connector = aiohttp.TCPConnector(ssl=self._context, limit=0)
        async with aiohttp.ClientSession(self._upstream, connector=connector, auto_decompress=False) as self._session:
            runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True)
            await runner.setup()
            await web.TCPSite(runner, LOOPBACK, self._port).start()
            self._started.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = await self._received(request)
        fault = self._fault
        if call.is_watch:
            refusal = fault.opens_watches()
            return await self._watch(request, call, fault) if refusal is None else _response(refusal)
        try:
            return _response(await fault.answer(call, self._forward))
        except (Dropped, aiohttp.ClientError):
            if isinstance(request.transport, asyncio.Transport):
                request.transport.abort()
            return web.Response(status=HTTPStatus.BAD_GATEWAY)

    async def _received(self, request: web.Request) -> Call:
        resource, name = named(request.path)
        body = await request.read()
        call = Call(
            method=request.method,
            resource=resource,
            name=name,
            target=request.raw_path,
            headers={key: value for key, value in request.headers.items() if key.lower() not in OF_THE_CONNECTION},
            body=body,
            is_watch=request.query.get("watch") in ("true", "1"),
            number=len(self.writes) + 1,
        )
        if call.is_write:
            self.writes.append(call)
        return call

    async def _forward(self, call: Call) -> Reply:
        async with self._sent(call) as answer:
            return Reply(status=answer.status, headers=_headers(answer), body=await answer.read())

    async def _watch(self, request: web.Request, call: Call, fault: Fault) -> web.StreamResponse:
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        async with self._sent(call) as answer:
            response = web.StreamResponse(status=answer.status, headers=_headers(answer))
            await response.prepare(request)
            self._watches.add(transport)
            try:
                async for chunk in answer.content.iter_any():
                    if not fault.withholds():
                        await response.write(chunk)
                await response.write_eof()
            except (aiohttp.ClientError, ConnectionError):
                transport.abort()
            finally:
                self._watches.discard(transport)
            return response

    @asynccontextmanager
    async def _sent(self, call: Call) -> AsyncIterator[aiohttp.ClientResponse]:
        limit = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with self._session.request(
            call.method,
            URL(call.target, encoded=True),
            data=call.body or None,
            headers=call.headers,
            timeout=limit,
        ) as answer:
            yield answer


def named(path: str) -> tuple[str, str]:
    """Return the resource of a path, with its subresource, and the name of the object, if any."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    if len(parts) > 2 and parts[0] == "namespaces":
        parts = parts[2:]
    resource, name, *subresource = (*parts, "", "")[: max(2, len(parts))]
    return "/".join([resource, *subresource]), name


@contextmanager
def running_proxy(*, kubeconfig: Path) -> Iterator[ApiProxy]:
    """Run a proxy until the end of the context."""
    proxy = ApiProxy(kubeconfig=kubeconfig)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {key: value for key, value in answer.headers.items() if key.lower() not in OF_THE_CONNECTION}


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
