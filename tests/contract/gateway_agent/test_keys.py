"""API keys are rotated without a restart, and an unusable entry keeps only its own client out."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest

from testbed.engine.process import EngineProcess
from testbed.waiting import eventually_true
from tests.contract.gateway_agent.api_server import ApiServer
from tests.contract.gateway_agent.load import TEXT
from tests.contract.gateway_agent.pod import Pod
from tests.unit.gateway.secret import put_secret


@pytest.fixture
async def keyed(folder: Path, haproxy: str, api: ApiServer, engines: Sequence[EngineProcess]) -> AsyncIterator[Pod]:
    """Return a started pod that knows the key `one` of client `search`."""
    made = Pod(folder, haproxy=haproxy, api=api, keys_required=True)
    put_secret(made.keys, {"search": "one"})
    await made.list_engine("a", engines[0].port)
    await made.start()
    yield made
    await made.stop()


async def status(pod: Pod, key: str) -> int:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"}) as session,
        session.post(f"{pod.url}/v1/embeddings", json=TEXT) as answer,
    ):
        return answer.status


async def accepts(pod: Pod, *, good: str, bad: str) -> bool:
    return (await status(pod, good), await status(pod, bad)) == (200, 401)


async def refuses(pod: Pod, key: str) -> bool:
    return await status(pod, key) == 401


async def unusable_keys(pod: Pod) -> float:
    """Return how many unusable entries the agent reports."""
    async with aiohttp.ClientSession() as session, session.get(f"{pod.agent_url}/metrics") as answer:
        page = await answer.text()
    (line,) = [line for line in page.splitlines() if line.startswith("embedding_gateway_unusable_keys ")]
    return float(line.split()[1])


async def test_keys_are_rotated_without_a_restart(keyed: Pod) -> None:
    assert await accepts(keyed, good="one", bad="two")
    put_secret(keyed.keys, {"search": "two", "ads": "three\n"})
    await eventually_true("the new key is taken, the old one not", lambda: accepts(keyed, good="two", bad="one"))
    assert await status(keyed, "three") == 200
    put_secret(keyed.keys, {"search": "two"})
    await eventually_true("a removed client is refused", lambda: accepts(keyed, good="two", bad="three"))


async def test_an_empty_key_does_not_keep_a_removed_one_alive(keyed: Pod) -> None:
    put_secret(keyed.keys, {"search": "two", "ads": ""})

    async def is_logged() -> bool:
        return any("ads is empty" in line.get("problem", "") for line in keyed.agent.logged())

    await eventually_true("the problem is logged", is_logged)
    await eventually_true("the removed key is refused", lambda: accepts(keyed, good="two", bad="one"))
    assert await unusable_keys(keyed) == 1
    put_secret(keyed.keys, {"search": ""})
    await eventually_true("a key replaced by nothing is refused", lambda: refuses(keyed, "two"))
    put_secret(keyed.keys, {"search": "two", "ads": "three"})
    await eventually_true("the mended Secret is taken", lambda: accepts(keyed, good="three", bad="one"))
    assert await unusable_keys(keyed) == 0


async def test_a_restarted_haproxy_has_the_keys_of_today(keyed: Pod) -> None:
    put_secret(keyed.keys, {"search": "two"})
    await eventually_true("the new key is taken", lambda: accepts(keyed, good="two", bad="one"))
    await keyed.agent.end(signal.SIGKILL)
    await keyed.haproxy.end(signal.SIGKILL)
    await keyed.haproxy.start()

    async def refuses_the_old() -> bool:
        try:
            return await status(keyed, "one") == 401
        except aiohttp.ClientError:
            return False

    await eventually_true("the old key is refused", refuses_the_old)
    await keyed.agent.start()
    await eventually_true("the new key is taken", lambda: accepts(keyed, good="two", bad="one"))


async def test_no_key_is_logged(keyed: Pod) -> None:
    put_secret(keyed.keys, {"search": "another-secret"})
    await eventually_true("the new key is taken", lambda: accepts(keyed, good="another-secret", bad="one"))
    assert "another-secret" not in keyed.agent.log.read_text()
