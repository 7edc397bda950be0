"""The end of a pod: clients are asked to leave, requests answered, both programs exit by themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

import aiohttp

from testbed.engine.process import EngineProcess
from testbed.waiting import eventually_true
from tests.contract.gateway_agent.load import TEXT, load
from tests.contract.gateway_agent.pod import Pod, Process

MINIMAL = """
global
    stats socket {folder}/admin.sock mode 600 level admin
    stats timeout 1m
    nbthread 1
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
frontend requests
    bind 127.0.0.1:{http_port}
    http-after-response set-header Connection close if {{ str(ending),map({folder}/state.map) -m found }}
    http-request set-var(txn.client) req.hdr(x-key),map({folder}/keys.map)
    default_backend engines
frontend metrics
    bind 127.0.0.1:{metrics_port}
    http-request return status 200 if {{ str(synchronized),map_str({folder}/state.map) -m found }}
    http-request return status 503
backend engines
    balance leastconn
    option httpchk GET /ready
    retries 1
    retry-on conn-failure
    option redispatch
"""


async def test_the_agent_asks_clients_to_leave_and_goes_on_until_haproxy_has_ended(
    pod: Pod, engines: Sequence[EngineProcess]
) -> None:
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    assert pod.agent.running is not None
    pod.agent.running.send_signal(signal.SIGTERM)

    async def asks_to_leave() -> bool:
        return "close" in await connection_header(pod)

    await eventually_true("clients are asked to leave", asks_to_leave)
    await pod.list_engine("b", engines[1].port)
    await eventually_true("engines are still followed", lambda: pod.has("a", "b"))
    async with load(pod.url, clients=4) as running:
        await running.more(8)
    assert running.failures == {}
    assert pod.haproxy.running is not None
    pod.haproxy.running.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(10):
        assert await pod.haproxy.running.wait() == 0
        assert await pod.agent.running.wait() == 0


async def test_an_agent_that_its_liveness_probe_ends_takes_nothing_out(
    pod: Pod, engines: Sequence[EngineProcess]
) -> None:
    """A frozen agent gets SIGTERM, and SIGKILL when the grace period of the probe is over."""
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    assert pod.agent.running is not None
    async with load(pod.url, clients=4) as running:
        await running.more(4)
        pod.agent.running.send_signal(signal.SIGSTOP)
        await running.more(8)
        assert await pod.is_ready()
        pod.agent.running.send_signal(signal.SIGTERM)
        pod.agent.running.send_signal(signal.SIGCONT)

        async def asks_to_leave() -> bool:
            return "close" in await connection_header(pod)

        await eventually_true("the agent thought that the pod ends", asks_to_leave)
        assert await pod.is_ready()
        await pod.agent.end(signal.SIGKILL)
        assert await pod.is_ready()
        await pod.agent.start()

        async def keeps_clients() -> bool:
            return not await asks_to_leave()

        await eventually_true("clients may stay", keeps_clients)
        await running.more(8)
        assert await pod.is_ready()
    assert running.failures == {}


async def test_an_agent_that_cannot_serve_ends_and_says_why(pod: Pod) -> None:
    await pod.start()
    second = Process(pod.agent.argv, pod.folder / "second.log", pod.variables)
    await second.start()
    assert second.running is not None
    async with asyncio.timeout(20):
        assert await second.running.wait() == 1
    (line,) = [line for line in second.logged() if line["level"] == "error"]
    assert "address already in use" in line["exception"]


async def test_clients_that_keep_a_connection_leave_before_it_is_closed(
    pod: Pod, engines: Sequence[EngineProcess]
) -> None:
    configuration = pod.folder / "haproxy.cfg"
    configuration.write_text(
        MINIMAL.format(folder=pod.folder, http_port=pod.config.http_port, metrics_port=pod.config.metrics_port)
    )
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    assert pod.agent.running is not None
    assert pod.haproxy.running is not None
    async with load(pod.url, clients=8) as running:
        await running.more(8)
        pod.agent.running.send_signal(signal.SIGTERM)

        async def asks_to_leave() -> bool:
            return "close" in await connection_header(pod)

        await eventually_true("clients are asked to leave", asks_to_leave)
        await running.more(16)
        # From here on, every client waits for one more response; once HAProxy has answered us, it has accepted all.
        running.is_over = True
        await pod.servers()
        pod.haproxy.running.send_signal(signal.SIGUSR1)
    assert running.failures == {}
    async with asyncio.timeout(10):
        assert await pod.haproxy.running.wait() == 0


async def connection_header(pod: Pod) -> str:
    """Return what a response says about its connection."""
    async with aiohttp.ClientSession() as session, session.post(f"{pod.url}/v1/embeddings", json=TEXT) as answer:
        return answer.headers.get("Connection", "")
