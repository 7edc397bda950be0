"""The end of a pod: not ready at once, requests answered, both programs gone by themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence

from e2e.engine.process import EngineProcess
from tests.contract.gateway_agent.load import load
from tests.contract.gateway_agent.pod import Pod, Process, eventually


async def test_the_agent_says_that_the_pod_ends_and_goes_on_until_haproxy_has_ended(
    pod: Pod, engines: Sequence[EngineProcess]
) -> None:
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    assert pod.agent.running is not None
    pod.agent.running.send_signal(signal.SIGTERM)

    async def is_unready() -> bool:
        return not await pod.is_ready()

    await eventually("the pod is not ready", is_unready)
    await pod.list_engine("b", engines[1].port)
    await eventually("engines are still followed", lambda: pod.has("a", "b"))
    async with load(pod.url, clients=4) as running:
        await running.more(8)
    assert running.failures == {}
    assert pod.haproxy.running is not None
    pod.haproxy.running.send_signal(signal.SIGUSR1)
    async with asyncio.timeout(10):
        assert await pod.haproxy.running.wait() == 0
        assert await pod.agent.running.wait() == 0


async def test_an_agent_that_can_not_serve_ends_and_says_why(pod: Pod) -> None:
    await pod.start()
    second = Process(pod.agent.argv, pod.folder / "second.log", pod.variables)
    await second.start()
    assert second.running is not None
    async with asyncio.timeout(20):
        assert await second.running.wait() == 1
    (line,) = [line for line in second.logged() if line["level"] == "error"]
    assert "address already in use" in line["exception"]


async def test_a_haproxy_that_stops_softly_answers_what_it_has(pod: Pod, engines: Sequence[EngineProcess]) -> None:
    await pod.list_engine("a", engines[0].port)
    await pod.start()
    async with load(pod.url, clients=8) as running:
        await running.more(8)
        assert pod.haproxy.running is not None
        # From here on every client waits for one answer more.
        running.is_over = True
        answered = running.outcomes["200"]
        pod.haproxy.running.send_signal(signal.SIGUSR1)
    assert running.failures == {}
    assert running.outcomes["200"] > answered
    async with asyncio.timeout(10):
        assert await pod.haproxy.running.wait() == 0
