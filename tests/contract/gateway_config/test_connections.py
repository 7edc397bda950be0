"""Who may have how many connections: no client keeps probes or all the others out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.gateway_config.engines import LOOPBACK, open_engine, running
from tests.contract.gateway_config.gateway import Gateway, gateway, until

HEALTH = b"GET /health HTTP/1.1\r\nHost: search\r\n\r\n"
PATIENT = 60
"""Seconds that a gateway waits for headers here: idle connections last as long as the test."""


@asynccontextmanager
async def idle(door: Gateway, count: int, *, address: str) -> AsyncIterator[None]:
    """Connections from one address of the loopback network on which nothing is asked."""
    opened = [
        await asyncio.open_connection(LOOPBACK, door.config.http_port, local_addr=(address, 0)) for _ in range(count)
    ]
    try:
        yield
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def taken(door: Gateway) -> int:
    """Return the number of connections that HAProxy has accepted from clients."""
    return await door.figure("scur", of="FRONTEND", at="requests")


async def is_answering(door: Gateway, *, address: str) -> bool:
    """Return whether a client at this address is answered; False if its connection is closed."""
    try:
        reader, writer = await asyncio.open_connection(LOOPBACK, door.config.http_port, local_addr=(address, 0))
        writer.write(HEALTH)
        answer = await reader.read(12)
    except ConnectionError:
        return False
    writer.transport.abort()
    return answer == b"HTTP/1.1 200"


async def test_probes_are_answered_while_clients_have_all_connections(haproxy: str) -> None:
    async with gateway(haproxy, max_connections=4, header_timeout_seconds=PATIENT) as door:
        async with idle(door, 2, address="127.0.0.2"), idle(door, 2, address="127.0.0.3"):
            await until(lambda: _are(door, 4))
            for _ in range(3):
                async with door.http.get(f"http://{LOOPBACK}:{door.config.metrics_port}/healthz") as answer:
                    assert answer.status == 200
        await until(lambda: _are(door, 0))
        assert await is_answering(door, address="127.0.0.4")


async def test_one_address_gets_half_of_the_connections(haproxy: str) -> None:
    async with gateway(haproxy, max_connections=8, header_timeout_seconds=PATIENT) as door:
        async with idle(door, 4, address="127.0.0.2"):
            await until(lambda: _are(door, 4))
            assert not await is_answering(door, address="127.0.0.2")
            assert await is_answering(door, address="127.0.0.3")
        await until(lambda: _are(door, 0))
        assert await is_answering(door, address="127.0.0.2")


async def test_only_a_client_with_a_key_keeps_its_connection(haproxy: str) -> None:
    engine = open_engine()
    async with running(engine), gateway(haproxy, keys={"web": "key-of-web"}) as door:
        await door.add(engine)
        for path in ("/health", "/v1/models", "/other"):
            answer = await door.raw(f"GET {path} HTTP/1.1\r\nHost: search\r\n\r\n".encode())
            assert b"\r\nconnection: close\r\n" in answer, path
        opened = await door.figure("stot", of="FRONTEND", at="requests")
        for _ in range(5):
            assert (await door.embed(Authorization="Bearer key-of-web")).status == 200
        assert await door.figure("stot", of="FRONTEND", at="requests") == opened + 1


async def _are(door: Gateway, count: int) -> bool:
    return await taken(door) == count
