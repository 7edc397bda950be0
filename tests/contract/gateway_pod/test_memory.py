"""Memory of waiting requests: it is kept as long as they wait, whatever comes after them."""

import asyncio
import json
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.rendering.gateway_memory import connections as connections_of
from embedding_operator.rendering.gateway_pod import HAPROXY_ENVIRONMENT

from tests.contract.gateway_config.engines import open_engine, running
from tests.contract.gateway_config.gateway import DEFAULT, TEXT, Gateway, until
from tests.contract.gateway_pod.test_command import pod

MIB = 1024**2
WAITING = 200
PATIENCE = 100
LIMIT_MIB = 256
TEXT_OF_A_MEGABYTE = json.dumps({"model": "minilm", "input": "x" * 1_000_000}).encode()
HEAD = (
    "POST /v1/embeddings HTTP/1.1\r\nHost: search\r\nContent-Type: application/json\r\n"
    f"Content-Length: {len(TEXT_OF_A_MEGABYTE)}\r\n\r\n"
)


async def worker(door: Gateway) -> int:
    return int((await door.command("show info")).partition("Pid: ")[2].split()[0])


def libraries(process: int) -> str:
    return Path(f"/proc/{process}/maps").read_text(encoding="utf-8")


def resident_mib(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / MIB


async def hold(door: Gateway, connections: AsyncExitStack) -> None:
    """Send a request that waits, on a connection that is closed with `connections`."""
    writer = await connect(door, connections)
    writer.write(HEAD.encode() + TEXT_OF_A_MEGABYTE)
    await writer.drain()


async def connect(door: Gateway, connections: AsyncExitStack, *, address: str = "127.0.0.1") -> asyncio.StreamWriter:
    """Return a connection from one address of the loopback network; it is closed with `connections`."""
    _, writer = await asyncio.open_connection("127.0.0.1", door.config.http_port, local_addr=(address, 0))
    # The whole writer, not only its transport: asyncio closes a connection whose reader is gone.
    connections.callback(abort, writer)
    return writer


def abort(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_what_all_clients_can_send_fits_into_the_memory_limit(haproxy: str, tmp_path: Path) -> None:
    spec = GatewaySpec.model_validate({"resources": {"limits": {"memory": f"{LIMIT_MIB}Mi"}}})
    settings = replace(DEFAULT, max_connections=connections_of(spec))
    variables = {entry["name"]: entry["value"] for entry in HAPROXY_ENVIRONMENT}
    async with (
        pod(haproxy, tmp_path, settings=settings, variables=variables) as door,
        AsyncExitStack() as connections,
    ):
        process = await worker(door)
        half = door.config.max_connections_per_client
        for number in range(2 * half):
            writer = await connect(door, connections, address=f"127.0.0.{2 + number // half}")
            # The second request is read while the first one waits.
            writer.write(2 * (HEAD.encode() + TEXT_OF_A_MEGABYTE))
        await until(lambda: resident_mib(process) > 2 * half)
        await until(lambda: _is(door.figure("scur"), 2 * half))
        assert resident_mib(process) < LIMIT_MIB


async def _is(figure: Awaitable[int], wanted: int) -> bool:
    return await figure == wanted


async def test_what_large_bodies_took_goes_back(haproxy: str, tmp_path: Path) -> None:
    engine = open_engine()
    variables = {entry["name"]: entry["value"] for entry in HAPROXY_ENVIRONMENT}
    async with running(engine), pod(haproxy, tmp_path, variables=variables) as door:
        process = await worker(door)
        before = resident_mib(process)
        assert "libjemalloc" in libraries(process)
        async with AsyncExitStack() as connections:
            for _ in range(WAITING):
                await hold(door, connections)
            await until(lambda: resident_mib(process) > before + 0.9 * WAITING)
        await door.add(engine)

        for _ in range(PATIENCE):
            await door.embed(TEXT)
            if resident_mib(process) < before + 0.1 * WAITING:
                return
            await asyncio.sleep(0.1)
        message = f"{before:.0f} MiB before, {resident_mib(process):.0f} MiB after"
        raise AssertionError(message)
