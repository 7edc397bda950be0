"""A gateway pod on loopback: the real HAProxy with the rendered configuration, and the agent as a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from embedding_operator.gateway.haproxy_socket import RuntimeSocket, Unreachable
from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway.settings import PREFIX
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config

from testbed.engine.process import LOOPBACK, free_port
from testbed.waiting import eventually_true
from tests.contract.gateway_agent.api_server import ApiServer
from tests.unit.gateway.slices import READY, Conditions, endpoint, endpoint_slice

SECONDS = 20.0
POLL_SECONDS = 0.02
END_SECONDS = 10.0


@dataclass
class Process:
    """One of the pod's two programs."""

    argv: tuple[str, ...]
    log: Path
    variables: dict[str, str] = field(default_factory=dict)
    running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                *self.argv, stdout=log, stderr=log, env={**os.environ, **self.variables}
            )

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self.running is not None
        if self.running.returncode is None:
            self.running.send_signal(by)
        try:
            async with asyncio.timeout(END_SECONDS):
                return await self.running.wait()
        finally:
            if self.running.returncode is None:
                self.running.kill()

    def logged(self) -> list[dict[str, Any]]:
        """Return the lines of the log that are JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


class Pod:
    """A gateway of `search/qwen` whose files are in `folder`."""

    def __init__(self, folder: Path, *, haproxy: str, api: ApiServer, keys_required: bool = False) -> None:
        self.folder = folder
        self.api = api
        self.keys = folder / "keys"
        self.config = GatewayConfig(
            service="qwen",
            namespace="search",
            keys_required=keys_required,
            hold_seconds=20,
            address=LOOPBACK,
            http_port=free_port(),
            metrics_port=free_port(),
            agent_port=free_port(),
            run_folder=str(folder),
            config_folder=str(folder),
        )
        files = gateway_config(self.config)
        (folder / "haproxy.cfg").write_text(files.haproxy_cfg)
        (folder / "gateway.lua").write_text(files.lua)
        self.haproxy = Process((haproxy, "-W", "-db", "-f", str(folder / "haproxy.cfg")), folder / "haproxy.log")
        agent = (sys.executable, "-m", "embedding_operator", "gateway-agent")
        self.variables = {
            "KUBECONFIG": str(folder / "kubeconfig"),
            f"{PREFIX}NAMESPACE": "search",
            f"{PREFIX}SERVICE": "qwen",
            f"{PREFIX}ENGINES_SELECTOR": "kubernetes.io/service-name=qwen-engines",
            f"{PREFIX}SOCKET": str(folder / "admin.sock"),
            f"{PREFIX}KEYS_FOLDER": str(self.keys),
            f"{PREFIX}KEYS_MAP": str(folder / "keys.map"),
            f"{PREFIX}STATE_MAP": str(folder / "state.map"),
            f"{PREFIX}MEMBERS_FILE": str(folder / "members.json"),
            f"{PREFIX}PORT": str(self.config.agent_port),
            f"{PREFIX}LINGER_SECONDS": "2",
        }
        self.agent = Process(agent, folder / "agent.log", self.variables)
        self._preparation = Process((*agent, "--prepare"), folder / "prepare.log", self.variables)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.config.http_port}"

    @property
    def probe_url(self) -> str:
        return f"http://{LOOPBACK}:{self.config.metrics_port}"

    @property
    def agent_url(self) -> str:
        return f"http://{LOOPBACK}:{self.config.agent_port}"

    async def start(self) -> None:
        """Prepare, start both programs, and return once the pod is ready."""
        await self._preparation.start()
        assert self._preparation.running is not None
        assert await self._preparation.running.wait() == 0, self._preparation.log.read_text()
        await self.haproxy.start()
        await self.agent.start()
        await eventually_true("the pod is ready", self._has_started)

    async def stop(self) -> None:
        for process in (self.agent, self.haproxy):
            if process.running is not None:
                await process.end(signal.SIGKILL if process is self.agent else signal.SIGTERM)

    async def is_ready(self) -> bool:
        """Return HAProxy's response to the kubelet's readiness probe."""
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(f"{self.probe_url}/ready") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

    async def _has_started(self) -> bool:
        for process in (self.haproxy, self.agent):
            assert process.running is not None
            assert process.running.returncode is None, process.log.read_text()
        return await self.is_ready()

    async def servers(self) -> dict[str, Server]:
        """Return HAProxy's servers by name; none while it is down."""
        try:
            async with RuntimeSocket(path=self.folder / "admin.sock").conversation() as conversation:
                return {server.name: server for server in await conversation.servers()}
        except Unreachable:
            return {}

    async def has(self, *names: str) -> bool:
        """Return whether exactly these servers receive requests."""
        return {name for name, server in (await self.servers()).items() if server.admitted} == set(names)

    async def list_engine(self, name: str, port: int, *, conditions: Conditions = READY) -> None:
        """Make the cluster list an engine pod, or list it with other conditions."""
        listed = endpoint(name, LOOPBACK, conditions=conditions)
        await self.api.put(endpoint_slice(listed, name=f"slice-of-{name}", port=port))

    async def forget_engine(self, name: str) -> None:
        """Make the cluster no longer list an engine pod."""
        await self.api.remove(f"slice-of-{name}")
