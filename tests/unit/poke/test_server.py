"""Pokes over HTTP: which are accepted, which are refused, and what a poke may cost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.store import ObjectKey
from embedding_operator.poke.server import MAX_TOKEN_LENGTH, PokeHandler, serve

from testbed.engine.process import LOOPBACK, free_port

KEY = ObjectKey(EMBEDDING_SERVICE.kind, "search", "qwen")
NOTICE = {"namespace": "search", "name": "qwen"}
KNOWN = "good"
USERS = {
    KNOWN: "system:serviceaccount:search:qwen-gateway",
    "other service": "system:serviceaccount:search:bge-gateway",
    "other namespace": "system:serviceaccount:default:qwen-gateway",
    "no gateway": "system:serviceaccount:search:default",
    "person": "admin",
}


@dataclass
class Door:
    """A server, and what came through it."""

    url: str = ""
    leads: bool = True
    poked: list[ObjectKey] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    error: Exception | None = None
    session: aiohttp.ClientSession | None = None

    async def user_of(self, token: str) -> str | None:
        if self.error is not None:
            raise self.error
        return USERS.get(token)

    async def post(self, *, token: str | None = KNOWN, body: Any = NOTICE, path: str = "/poke") -> int:
        assert self.session is not None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.session.post(f"{self.url}{path}", headers=headers, **sent) as answer:
            await answer.read()
            return answer.status


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door, port = Door(), free_port()
    poke_handler = PokeHandler(
        leads=lambda: door.leads, user_of=door.user_of, poke=door.poked.append, counted=door.counted.append
    )
    server = await serve(poke_handler, port=port)
    async with aiohttp.ClientSession() as session:
        door.url, door.session = f"http://{LOOPBACK}:{port}", session
        yield door
    await server.stop()


async def test_the_gateway_of_a_service_is_believed(door: Door) -> None:
    assert await door.post() == 202
    assert door.poked == [KEY]
    assert door.counted == ["202"]


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (None, 401),
        ("", 401),
        ("unknown", 401),
        ("x" * (MAX_TOKEN_LENGTH + 1), 401),
        ("other service", 403),
        ("other namespace", 403),
        ("no gateway", 403),
        ("person", 403),
    ],
)
async def test_no_other_client_is(door: Door, token: str | None, status: int) -> None:
    assert await door.post(token=token) == status
    assert door.poked == []
    assert door.counted == [str(status)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 1000, 400),
        (b"\xff", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"namespace": "search"}', 400),
        (b'{"namespace": "search", "name": 5}', 400),
        (b'{"namespace": "", "name": "qwen"}', 400),
        (b'{"namespace": "search:qwen-gateway", "name": "x"}', 403),
        (b" " * 1025, 413),
    ],
)
async def test_what_is_no_poke_of_the_service_is_refused(door: Door, body: bytes, status: int) -> None:
    assert await door.post(body=body) == status
    assert door.poked == []


async def test_who_does_not_lead_takes_everything_and_does_nothing(door: Door) -> None:
    door.leads = False
    assert await door.post() == 202
    assert await door.post(token=None, body=b"{") == 202
    assert door.poked == []


async def test_a_token_that_cannot_be_verified_is_not_believed(door: Door) -> None:
    door.error = Unavailable("no answer")
    assert await door.post() == 503
    assert door.poked == []


async def test_there_is_nothing_else(door: Door) -> None:
    assert door.session is not None
    assert await door.post(path="/") == 404
    async with door.session.get(f"{door.url}/poke") as answer:
        assert answer.status == 405


async def test_a_body_that_does_not_come_is_not_waited_for(door: Door) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, int(door.url.rpartition(":")[2]))
    writer.write(b"POST /poke HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 9\r\n\r\n{")
    async with asyncio.timeout(10):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_a_token_of_other_bytes_is_refused(door: Door) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, int(door.url.rpartition(":")[2]))
    writer.write(b"POST /poke HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xe4\r\nContent-Length: 0\r\n\r\n")
    async with asyncio.timeout(10):
        assert b" 401 " in await reader.readline()
    writer.close()
