"""The routes between clients and engines: none, our gateway, or sglang-router, each in front of the same engines.

An engine is a frontend of an HAProxy that reads a whole request and answers with one constant embedding, faster than
any proxy can forward it. Both engines listen on a port of their own, for proxies, and on a shared port, on which the
kernel assigns each connection to one of them, as a plain Service does.
"""

import asyncio
import http.client
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase
from embedding_operator.gateway.haproxy_socket import RuntimeSocket
from embedding_operator.gateway.plan import plan
from embedding_operator.gateway.settings import Settings
from embedding_operator.gateway.state_map import write_state
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config
from embedding_operator.rendering.gateway_pod import HAPROXY_ENVIRONMENT

from benchmarks.pinned import running
from testbed.cluster.processes import ProcessIdentity
from testbed.cluster.waiting import wait_until
from testbed.engine.process import LOOPBACK, free_port

PATH = "/v1/embeddings"
MODEL = "minilm"
DIMENSIONS = 384
START_SECONDS = 60.0
PROBE_SECONDS = 2.0

_ENGINES = """\
global
    nbthread 1
    tune.bufsize 262144

defaults engine
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 1s
    timeout http-keep-alive 60s
    http-request wait-for-body time 10s if METH_POST
    http-request return status 200 content-type application/json file {answer} if METH_POST {{ path /v1/embeddings }}
    http-request return status 200 content-type application/json string '{about}' if {{ path /model_info /server_info }}
    http-request return status 200 if {{ path /health /ready }}
    http-request deny deny_status 404
"""
_ENGINE = """
frontend engine-{port} from engine
    bind {address}:{port}
    bind {address}:{shared}
"""


@dataclass(frozen=True, slots=True)
class Door:
    """A route to the engines: its port, and the process that serves it; None where the engines do so themselves."""

    port: int
    process: ProcessIdentity | None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}{PATH}"


@dataclass(frozen=True, slots=True)
class Engines:
    """The ports of the engines, and the port that they share."""

    ports: tuple[int, ...]
    shared: int

    @property
    def door(self) -> Door:
        """Return the equivalent of a plain Service."""
        return Door(self.shared, None)


@contextmanager
def engines(folder: Path, *, count: int, core: int) -> Iterator[Engines]:
    """Run engines that answer immediately."""
    *ports, shared = _free_ports(count + 1)
    answer, config = folder / "answer.json", folder / "engines.cfg"
    answer.write_text(json.dumps(_answer()))
    about = json.dumps({"served_model_name": MODEL, "model_path": MODEL})
    frontends = [_ENGINE.format(address=LOOPBACK, port=port, shared=shared) for port in ports]
    config.write_text("".join([_ENGINES.format(answer=answer, about=about), *frontends]))
    argv = ["haproxy", "-db", "-f", str(config)]
    with running(argv, core=core, log=folder / "engines.log"):
        _wait_for(shared, log=folder / "engines.log")
        yield Engines(tuple(ports), shared)


@contextmanager
def our_gateway(folder: Path, *, behind: Engines, core: int) -> Iterator[Door]:
    """Run HAProxy as a gateway pod does, and add the engines with the agent's commands."""
    port, metrics, agent = _free_ports(3)
    config = GatewayConfig(
        service="search",
        namespace="team",
        address=LOOPBACK,
        http_port=port,
        metrics_port=metrics,
        agent_port=agent,
        run_folder=str(folder),
        config_folder=str(folder),
    )
    files = gateway_config(config)
    (folder / "haproxy.cfg").write_text(files.haproxy_cfg)
    (folder / "gateway.lua").write_text(files.lua)
    write_state(folder / "state.map")
    argv = ["haproxy", "-W", "-db", "-f", str(folder / "haproxy.cfg")]
    variables = {entry["name"]: entry["value"] for entry in HAPROXY_ENVIRONMENT}
    log, socket = folder / "gateway.log", folder / "admin.sock"
    with running(argv, core=core, log=log, variables=variables) as process:
        wait_until(socket.exists, timeout_seconds=START_SECONDS, complaint=lambda: log.read_text(errors="replace"))
        asyncio.run(_add(behind, socket=socket))
        _wait_for(port, log=log)
        yield Door(port, process)


@contextmanager
def sglang_router(folder: Path, *, python: Path, behind: Engines, core: int) -> Iterator[Door]:
    """Run sglang-router with its default settings except for the policy."""
    port, metrics = _free_ports(2)
    argv = [
        *(str(python), "-m", "sglang_router.launch_router", "--host", LOOPBACK, "--port", str(port)),
        *("--prometheus-host", LOOPBACK, "--prometheus-port", str(metrics), "--policy", "power_of_two"),
        *("--worker-urls", *(f"http://{LOOPBACK}:{engine}" for engine in behind.ports)),
    ]
    log = folder / "router.log"
    with running(argv, core=core, log=log) as process:
        _wait_for(port, log=log)
        yield Door(port, process)


async def _add(behind: Engines, *, socket: Path) -> None:
    limit = Settings.model_fields["max_connections"].default
    endpoints = [
        Endpoint(
            name=f"engine-{port}",
            uid=str(port),
            address=LOOPBACK,
            port=port,
            phase=EndpointPhase.READY,
            max_connections=limit,
        )
        for port in behind.ports
    ]
    async with RuntimeSocket(path=socket).conversation() as conversation:
        for command in plan(endpoints, await conversation.servers()):
            await conversation.order(command)


def _answer() -> object:
    chance = random.Random(DIMENSIONS)
    vector = [chance.uniform(-0.2, 0.2) for _ in range(DIMENSIONS)]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "model": MODEL,
        "usage": {"prompt_tokens": 47, "total_tokens": 47},
    }


def _wait_for(port: int, *, log: Path) -> None:
    """Wait until `port` answers; raise `ClusterError` with the end of the log if it does not."""
    wait_until(
        lambda: _answers(port),
        timeout_seconds=START_SECONDS,
        complaint=lambda: f"no embeddings from port {port}: {log.read_text(errors='replace')[-2000:]}",
    )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=PROBE_SECONDS)
    try:
        body = json.dumps({"model": MODEL, "input": "one text"})
        connection.request("POST", PATH, body=body, headers={"Content-Type": "application/json"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)
