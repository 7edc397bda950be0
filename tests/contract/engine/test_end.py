"""How engines end: after SIGTERM, once everything is answered; after a request that crashes them, at once."""

import asyncio

import aiohttp
import pytest

from testbed.engine.process import EngineProcess
from testbed.waiting import eventually_true
from tests.contract.engine.client import EngineClient

pytestmark = pytest.mark.engine

TEXT = " ".join(["word"] * 200)
KILLED = -9
LETHAL = {
    "text generation": ("/generate", {"text": "hello"}),
    "a token id that is not in the vocabulary": ("/v1/embeddings", {"model": "minilm", "input": [99_999_999]}),
}


async def test_sigterm_ends_readiness_at_once_and_the_engine_after_the_last_answer(
    own_engine: EngineProcess, http: aiohttp.ClientSession
) -> None:
    client = EngineClient(own_engine.url, session=http)
    calls = [asyncio.create_task(client.embed([TEXT] * 16)) for _ in range(4)]

    async def all_in_flight() -> bool:
        return await client.in_flight() == len(calls)

    async def is_unready() -> bool:
        return (await client.get("/ready")).status == 503

    await eventually_true("all in flight", all_in_flight)
    own_engine.terminate()
    await eventually_true("is unready", is_unready)
    health, metrics = await client.get("/health"), await client.get("/metrics")
    late = await client.embed("sent after SIGTERM")
    answers = await asyncio.gather(*calls)

    assert (health.status, metrics.status) == (503, 200)
    # It refuses nothing: only its removal from the Service by Kubernetes keeps new requests away.
    assert late.status == 200
    assert [answer.status for answer in answers] == [200] * len(calls)
    assert await asyncio.to_thread(own_engine.wait, timeout_seconds=60) == 0


@pytest.mark.parametrize("name", LETHAL)
async def test_one_request_kills_the_engine(name: str, own_engine: EngineProcess, http: aiohttp.ClientSession) -> None:
    client = EngineClient(own_engine.url, session=http)
    path, document = LETHAL[name]

    with pytest.raises(aiohttp.ClientError):
        await client.post(path, document)

    assert await asyncio.to_thread(own_engine.wait, timeout_seconds=60) == KILLED
