"""HAProxy with a rendered configuration, on free ports of loopback."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config

from testbed.engine.process import free_port
from tests.contract.gateway_config.engines import LOOPBACK, Engine

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.02
DEFAULT = GatewayConfig(service="search", namespace="team", address=LOOPBACK)
TEXT = {"model": "minilm", "input": "one text"}


@dataclass(slots=True)
class Gateway:
    """A running HAProxy."""

    config: GatewayConfig
    folder: Path
    http: aiohttp.ClientSession
    process: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        """Address of the frontend for requests."""
        return f"http://{LOOPBACK}:{self.config.http_port}"

    async def embed(self, document: object = TEXT, **headers: str) -> Answer:
        """Request embeddings."""
        return await self.ask("POST", "/v1/embeddings", json.dumps(document).encode(), **headers)

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request."""
        given = {"Content-Type": "application/json"} if body is not None else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.request(method, self.url + path, data=body, headers=given) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.read())

    async def add(self, engine: Engine, *, name: str = "engine-a", maxconn: int = 32) -> None:
        """Add an engine, as the agent does."""
        check = "check inter 500ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down"
        address = f"{LOOPBACK}:{engine.port}"
        await self.command(f"add server engines/{name} {address} {check} maxconn {maxconn}")
        await self.command(f"enable server engines/{name}")
        await self.command(f"enable health engines/{name}")

    async def command(self, line: str) -> str:
        """Return the response of the runtime socket."""
        reader, writer = await asyncio.open_unix_connection(str(self.folder / "admin.sock"))
        writer.write(line.encode() + b"\n")
        answer = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        return answer

    async def figure(self, column: str, *, of: str = "BACKEND", at: str = "engines") -> int:
        """Return one value of `show stat`, for a server, a backend or a frontend."""
        rows = csv.DictReader((await self.command("show stat")).removeprefix("# ").splitlines())
        (value,) = [row[column] for row in rows if (row["pxname"], row["svname"]) == (at, of)]
        return int(value)

    def access_log(self) -> list[dict[str, Any]]:
        """Return the lines of the access log."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def logged(self, count: int) -> list[dict[str, Any]]:
        """Return the access log once it has this many lines."""
        await until(lambda: len(self.access_log()) >= count)
        return self.access_log()

    async def raw(self, request: bytes, *, seconds: float = WAIT_SECONDS) -> bytes:
        """Send bytes and return the response, until the connection is closed or `seconds` have passed."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.config.http_port)
        writer.write(request)
        answer = b""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(seconds):
                while part := await reader.read(65536):
                    answer += part
        writer.transport.abort()
        return answer


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as the client received it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error in OpenAI's format; the document must contain nothing else."""
        assert self.headers["content-type"] == "application/json"
        document = json.loads(self.body)
        assert document.keys() == {"error"}
        error: dict[str, Any] = document["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        return error


async def until(condition: Callable[[], object | Awaitable[bool]]) -> None:
    """Return once `condition()` or its awaited result is true; raise `TimeoutError` if that does not happen."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            outcome = condition()
            if await outcome if isinstance(outcome, Awaitable) else outcome:
                return
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def gateway(
    haproxy: str,
    *,
    keys: Mapping[str, str] | None = None,
    script: Callable[[str], str] = str,
    **settings: Any,
) -> AsyncIterator[Gateway]:
    """A gateway with these settings; `keys` are API keys by client name, `script` changes the text of gateway.lua."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as name:
        folder = Path(name)
        config = on_free_ports(replace(DEFAULT, keys_required=keys is not None, **settings), folder=folder)
        write(config, keys=keys or {})
        lua = folder / "gateway.lua"
        lua.write_text(script(lua.read_text(encoding="utf-8")), encoding="utf-8")
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                haproxy, "-W", "-db", "-f", str(folder / "haproxy.cfg"), stdout=log, stderr=subprocess.STDOUT
            )
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=60)) as http:
            running = Gateway(config, folder, http, process)
            try:
                await until(lambda: _is_listening(running))
                yield running
            finally:
                await http.close()
                with suppress(ProcessLookupError):
                    process.terminate()
                await process.wait()


def on_free_ports(config: GatewayConfig, *, folder: Path) -> GatewayConfig:
    """Return the same gateway with ports and files that a test may use."""
    ports: set[int] = set()
    while len(ports) < len(("http", "metrics", "agent")):
        ports.add(free_port())
    http, metrics, agent = ports
    return replace(
        config,
        http_port=http,
        metrics_port=metrics,
        agent_port=agent,
        run_folder=str(folder),
        config_folder=str(folder),
    )


def write(config: GatewayConfig, *, keys: Mapping[str, str]) -> None:
    """Write all files that HAProxy reads."""
    folder, files = Path(config.config_folder), gateway_config(config)
    (folder / "haproxy.cfg").write_text(files.haproxy_cfg, encoding="utf-8")
    (folder / "gateway.lua").write_text(files.lua, encoding="utf-8")
    lines = [f"{digest(key)} {client}\n" for client, key in keys.items()]
    (folder / "keys.map").write_text("".join(lines), encoding="utf-8")
    (folder / "state.map").write_text("", encoding="utf-8")


def digest(key: str) -> str:
    """Return the digest that represents a key in the map."""
    return hashlib.sha256(key.encode()).hexdigest()


async def _is_listening(running: Gateway) -> bool:
    if running.process.returncode is not None:
        raise AssertionError((running.folder / "log").read_text(encoding="utf-8"))
    try:
        await running.command("show info")
    except (FileNotFoundError, ConnectionError):
        return False
    return True
