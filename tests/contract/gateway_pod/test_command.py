"""The command of HAProxy's container: it translates Kubernetes' signals for HAProxy."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from embedding_operator.rendering.gateway_config import GatewayConfig
from embedding_operator.rendering.gateway_pod import haproxy_command

from tests.contract.gateway_config.engines import Engine, open_engine, running
from tests.contract.gateway_config.gateway import DEFAULT, Gateway, on_free_ports, until, write


@asynccontextmanager
async def pod(
    haproxy: str, folder: Path, *, settings: GatewayConfig = DEFAULT, variables: Mapping[str, str] | None = None
) -> AsyncIterator[Gateway]:
    """Run HAProxy with the command of its container and the container's `variables`."""
    config = on_free_ports(settings, folder=folder)
    write(config, keys={})
    path = f"{Path(haproxy).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **(variables or {}), "PATH": path}
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *haproxy_command(config),
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
        started = Gateway(config, folder, http, process)
        try:
            await until((folder / "admin.sock").exists)
            yield started
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def test_sigterm_lets_requests_finish(haproxy: str, tmp_path: Path) -> None:
    engine = Engine()
    async with running(engine), pod(haproxy, tmp_path) as door:
        await door.add(engine, maxconn=1)
        asked = [asyncio.create_task(door.embed()) for _ in range(3)]
        await until(lambda: engine.seen)
        for _ in range(2):
            door.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
        engine.gate.set()
        assert [answer.status for answer in await asyncio.gather(*asked)] == [200] * 3
        assert await door.process.wait() == 0


async def test_the_container_ends_with_haproxy(haproxy: str, tmp_path: Path) -> None:
    engine = open_engine()
    async with running(engine), pod(haproxy, tmp_path) as door:
        await door.add(engine)
        assert (await door.embed()).status == 200
        worker = int((await door.command("show info")).partition("Pid: ")[2].split()[0])
        os.kill(worker, signal.SIGKILL)
        assert await door.process.wait() != 0
