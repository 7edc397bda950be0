"""Engines come, go and move under load; the agent, HAProxy and the API server fail; no request fails."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from functools import partial

import pytest

from testbed.engine.process import EngineProcess
from testbed.waiting import eventually_true
from tests.contract.gateway_agent.load import load
from tests.contract.gateway_agent.pod import Pod
from tests.unit.gateway.slices import TERMINATING, UNREADY

Engines = Sequence[EngineProcess]


@pytest.fixture
async def serving(pod: Pod, engines: Engines) -> Pod:
    """Return a started pod with the first engine, `a`."""
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    return pod


async def test_no_request_fails_while_engines_come_and_go(serving: Pod, engines: Engines) -> None:
    async with load(serving.url, clients=8) as running:
        await running.more(20)
        for first, second in (("b", "c"), ("d", "e"), ("f", "g")):
            for name, engine in zip((first, second), engines[1:], strict=True):
                await serving.list_engine(name, engine.port)
            await eventually_true("new engines get requests", partial(serving.has, "a", first, second))
            await running.more(40)
            for name, engine in zip((first, second), engines[1:], strict=True):
                await serving.list_engine(name, engine.port, conditions=TERMINATING)
            await eventually_true("engines that end get none", lambda: serving.has("a"))
            await running.more(10)
            for name in (first, second):
                await serving.forget_engine(name)
            await eventually_true("their servers are removed", lambda: _are(serving, "a"))
    assert running.failures == {}


async def test_a_request_under_way_is_answered_while_its_engine_ends(serving: Pod, engines: Engines) -> None:
    async with load(serving.url, clients=4) as running:
        await running.more(4)
        await serving.list_engine("b", engines[1].port)
        await serving.list_engine("a", engines[0].port, conditions=TERMINATING)
        await eventually_true("the engine that ends gets none", lambda: serving.has("b"))
        await serving.forget_engine("a")
        await eventually_true("its server is removed", lambda: _are(serving, "b"))
        await running.more(20)
    assert running.failures == {}


async def test_an_engine_that_is_not_ready_waits_for_it(serving: Pod, engines: Engines) -> None:
    await serving.list_engine("b", engines[1].port, conditions=UNREADY)
    await serving.list_engine("c", engines[2].port)
    await eventually_true("c serves", lambda: serving.has("a", "c"))
    await serving.list_engine("b", engines[1].port)
    await eventually_true("b serves", lambda: serving.has("a", "b", "c"))
    await serving.list_engine("b", engines[1].port, conditions=UNREADY)
    await eventually_true("b is drained", lambda: serving.has("a", "c"))
    assert "b" in await serving.servers()


async def test_a_pod_may_move_to_another_address_and_have_another_limit(serving: Pod, engines: Engines) -> None:
    await serving.list_engine("a", engines[1].port)

    async def has_moved() -> bool:
        return (await serving.servers())["a"].port == engines[1].port

    await eventually_true("the server follows", has_moved)
    body = serving.api.slices["slice-of-a"]
    body["metadata"]["labels"] = {"embedding-operator.io/max-connections": "3"}
    await serving.api.put(body)

    async def has_limit() -> bool:
        return (await serving.servers())["a"].max_connections == 3

    await eventually_true("the limit follows", has_limit)
    async with load(serving.url, clients=4) as running:
        await running.more(8)
    assert running.failures == {}


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
async def test_requests_survive_a_restart_of_the_agent(serving: Pod, engines: Engines, by: signal.Signals) -> None:
    async with load(serving.url, clients=4) as running:
        await serving.agent.end(by)
        await serving.list_engine("b", engines[1].port)
        await serving.list_engine("a", engines[0].port, conditions=TERMINATING)
        await running.more(10)
        assert await serving.has("a")
        await serving.agent.start()
        await eventually_true("what was missed is made up for", lambda: serving.has("b"))
        await running.more(10)
    assert running.failures == {}


async def test_a_haproxy_that_is_restarted_gets_its_servers_back(serving: Pod, engines: Engines) -> None:
    await serving.list_engine("b", engines[1].port)
    await eventually_true("both serve", lambda: serving.has("a", "b"))
    await serving.haproxy.end(signal.SIGKILL)
    await serving.haproxy.start()
    await eventually_true("both serve again", lambda: serving.has("a", "b"))
    await eventually_true("the pod is ready again", serving.is_ready)
    async with load(serving.url, clients=4) as running:
        await running.more(10)
    assert running.failures == {}


@pytest.mark.parametrize("with_history", [True, False])
async def test_without_the_api_server_everything_stays_and_then_catches_up(
    serving: Pod, engines: Engines, *, with_history: bool
) -> None:
    async with load(serving.url, clients=4) as running:
        await serving.api.go_out()
        await serving.list_engine("b", engines[1].port)
        await running.more(20)
        assert await serving.has("a")
        assert await serving.is_ready()
        await serving.api.come_back(with_history=with_history)
        await eventually_true("b serves too", lambda: serving.has("a", "b"))
    assert running.failures == {}


async def test_an_agent_that_starts_without_the_api_server_keeps_what_is_there(serving: Pod) -> None:
    await serving.agent.end(signal.SIGKILL)
    await serving.api.go_out()
    await serving.agent.start()
    await eventually_true("the pod is ready", serving.is_ready)
    assert await serving.has("a")


async def test_a_pod_that_starts_again_without_the_api_server_serves_with_the_last_engines(
    serving: Pod, engines: Engines
) -> None:
    await serving.list_engine("b", engines[1].port)
    await eventually_true("both serve", lambda: serving.has("a", "b"))
    await serving.api.go_out()
    await serving.agent.end(signal.SIGKILL)
    await serving.haproxy.end(signal.SIGKILL)
    await serving.haproxy.start()

    async def is_unready() -> bool:
        return not await serving.is_ready()

    await eventually_true("a HAProxy without engines is not ready", is_unready)
    await serving.agent.start()
    await eventually_true("both serve again", lambda: serving.has("a", "b"))
    await eventually_true("the pod is ready", serving.is_ready)
    async with load(serving.url, clients=4) as running:
        await running.more(10)
    assert running.failures == {}


async def test_a_request_to_a_service_without_engines_waits_for_the_first(pod: Pod, engines: Engines) -> None:
    await pod.start()
    async with load(pod.url, clients=2) as running:
        await asyncio.sleep(0.3)
        assert not running.outcomes
        await pod.list_engine("a", engines[0].port)
        await running.more(2)
    assert running.failures == {}


async def test_unknown_servers_are_removed(serving: Pod, engines: Engines) -> None:
    runtime = serving.folder / "admin.sock"
    reader, writer = await asyncio.open_unix_connection(runtime)
    writer.write(f"add server engines/stray 127.0.0.1:{engines[2].port};enable server engines/stray\n".encode())
    assert b"New server registered" in await reader.read()
    writer.close()
    await eventually_true("the stray server is removed", lambda: _are(serving, "a"))


async def test_at_rest_haproxy_is_told_nothing(serving: Pod) -> None:
    told = [line for line in serving.agent.logged() if line["message"] == "servers changed"]
    await asyncio.sleep(6)
    assert [line for line in serving.agent.logged() if line["message"] == "servers changed"] == told


async def _are(pod: Pod, *names: str) -> bool:
    return set(await pod.servers()) == set(names)
