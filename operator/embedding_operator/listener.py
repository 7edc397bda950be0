"""HTTP servers of this project: whoever can reach a port can neither fill the process nor keep others out.

A connection has `request_seconds` for each request: to send it, to be answered, and to read the answer. At most
`connections` are open; one more closes the one that has been without a complete request for longest, so a probe is
answered however many others hold connections open. aiohttp limits the size of headers, and its `Application` that of
bodies.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many connections may be open, and how many seconds each request may take."""

    connections: int = 256
    request_seconds: float = 30.0


class Listener:
    """A server on one port, on all addresses of both families."""

    def __init__(self, application: web.Application, *, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._waiting: OrderedDict[asyncio.BaseProtocol, _Connection] = OrderedDict()
        self._answering: dict[asyncio.BaseProtocol, _Connection] = {}
        application.middlewares.append(self._tracked)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self._waiting) + len(self._answering)

    async def start(self, port: int) -> None:
        """Listen. Raises `OSError` if the port is in use."""
        await self._runner.setup()
        # None means both address families, and also works in clusters that have only one of them.
        self._server = await asyncio.get_running_loop().create_server(self._accepted, None, port)

    async def stop(self) -> None:
        """Stop listening, let requests end within a second, and close all connections."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    def opened(self, connection: "_Connection") -> None:
        """Admit a connection; if there are too many, one that has not asked for anything makes room."""
        self._waiting[connection.inner] = connection
        if self.connections > self._limits.connections:
            next(iter(self._waiting.values())).abort()

    def closed(self, connection: "_Connection") -> None:
        """Forget a connection."""
        self._waiting.pop(connection.inner, None)
        self._answering.pop(connection.inner, None)

    def _accepted(self) -> asyncio.Protocol:
        assert self._runner.server is not None  # noqa: S101 - set up before it listens
        return _Connection(self._runner.server(), listener=self, seconds=self._limits.request_seconds)

    @web.middleware
    async def _tracked(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        connection = self._waiting.pop(request.protocol, None)
        if connection is None:
            # It was closed while its request waited to be handled.
            return await handler(request)
        self._answering[request.protocol] = connection
        try:
            return await handler(request)
        finally:
            if self._answering.pop(request.protocol, None) is not None:
                connection.answered()
                self._waiting[request.protocol] = connection


class _Connection(asyncio.Protocol):
    """One connection: passes everything on to aiohttp's protocol, and ends when its time is over."""

    def __init__(self, inner: web.RequestHandler, *, listener: Listener, seconds: float) -> None:
        self.inner = inner
        self._listener = listener
        self._seconds = seconds
        self._transport: asyncio.Transport | None = None
        self._end: asyncio.TimerHandle | None = None

    def answered(self) -> None:
        """Give the next request its own time."""
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(self._seconds, self.abort)

    def abort(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()
        # Not only when the loop reports it: until then, further connections may be accepted.
        self._listener.closed(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server has no other
        self._transport = transport
        self.inner.connection_made(transport)
        self.answered()
        self._listener.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._listener.closed(self)
        self.inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self.inner.data_received(data)

    def eof_received(self) -> None:
        self.inner.eof_received()

    def pause_writing(self) -> None:
        self.inner.pause_writing()

    def resume_writing(self) -> None:
        self.inner.resume_writing()
