"""A small engine in the event loop of a test: it records requests, and answers when and how the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

LOOPBACK = "127.0.0.1"
ANSWER = b'{"object":"list","data":[]}'
GONE = (asyncio.IncompleteReadError, ConnectionError)


class Behaviour(Enum):
    """How the engine treats a request."""

    ANSWER = "answers once the gate is open"
    FAIL = "answers at once with an error of its own"
    HANG_UP = "closes the connection without an answer"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as received, its body without chunk framing."""

    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Engine:
    """`port` is set while the engine runs; `open_connections` counts connections with a request until they close."""

    behaviour: Behaviour = Behaviour.ANSWER
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[Seen] = field(default_factory=list)
    answered: int = 0
    open_connections: int = 0
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def kill(self) -> None:
        """End like a killed process: nothing listens, every connection is reset."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(*GONE):
            await self._serve_requests(reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _serve_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_counted = False
        try:
            while True:
                request = await read_request(reader)
                if request.target == "/ready":
                    await _answer(writer, b"")
                    continue
                self.open_connections += not is_counted
                is_counted = True
                self.seen.append(request)
                if self.behaviour is Behaviour.HANG_UP:
                    writer.transport.abort()
                    return
                if self.behaviour is Behaviour.FAIL:
                    await _answer(writer, b"{}", status="500 Internal Server Error")
                    continue
                if not await self._gate_opens(reader):
                    return
                await _answer(writer, ANSWER)
                self.answered += 1
        finally:
            self.open_connections -= is_counted

    async def _gate_opens(self, reader: asyncio.StreamReader) -> bool:
        """Return whether the gate opens before the caller hangs up."""
        opening, end = asyncio.ensure_future(self.gate.wait()), asyncio.ensure_future(reader.read(1))
        await asyncio.wait((opening, end), return_when=asyncio.FIRST_COMPLETED)
        is_open = opening.done()
        opening.cancel()
        end.cancel()
        await asyncio.gather(opening, end, return_exceptions=True)
        return is_open


@asynccontextmanager
async def running(*engines: Engine) -> AsyncIterator[None]:
    """Engines that listen, and are gone at the end."""
    for engine in engines:
        await engine.start()
    try:
        yield
    finally:
        for engine in engines:
            engine.gate.set()
            engine.kill()


def open_engine() -> Engine:
    """Return an engine that answers at once."""
    engine = Engine()
    engine.gate.set()
    return engine


async def read_request(reader: asyncio.StreamReader) -> Seen:
    """Return the next request; raise `asyncio.IncompleteReadError` if the connection ends within it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (each.split(":", 1) for each in fields)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(target=line.split(" ")[1], headers=headers, body=body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass  # a trailer
    return body


async def _answer(writer: asyncio.StreamWriter, body: bytes, *, status: str = "200 OK") -> None:
    head = (
        f"HTTP/1.1 {status}\r\nServer: engine\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
