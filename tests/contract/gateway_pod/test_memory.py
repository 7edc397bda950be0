"""Memory of waiting requests: it is kept as long as they wait, whatever comes after them."""

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

from embedding_operator.rendering.gateway_pod import HAPROXY_ENVIRONMENT

from tests.contract.gateway_config.engines import open_engine, running
from tests.contract.gateway_config.gateway import TEXT, Gateway, until
from tests.contract.gateway_pod.test_command import pod

MIB = 1024**2
WAITING = 200
PATIENCE = 100
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
    _, writer = await asyncio.open_connection("127.0.0.1", door.config.http_port)
    connections.callback(writer.close)
    writer.write(HEAD.encode() + TEXT_OF_A_MEGABYTE)
    await writer.drain()


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
