"""Polling and probing an engine that behaves like SGLang, and one that does not."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from embedding_operator.domain.load.engine_load import EngineSample, measure
from embedding_operator.domain.observation import Parity
from embedding_operator.domain.placement.parity import parity
from embedding_operator.telemetry.engines import engine_poller
from embedding_operator.telemetry.fetch import FailureCause, Fetcher, PollFailure, Source
from embedding_operator.telemetry.probe import TEXTS, ParityProbe

from testbed.engine.process import EngineProcess

pytestmark = pytest.mark.engine

TEXT = "one two three four five"


def now() -> datetime:
    return datetime.now(UTC)


async def polled(session: aiohttp.ClientSession, engine: EngineProcess) -> tuple[EngineSample, list[PollFailure]]:
    failures: list[PollFailure] = []
    (sample,) = await engine_poller(Fetcher(session=session, now=now, failed=failures.append)).poll({"uid": engine.url})
    return sample, failures


async def embed(session: aiohttp.ClientSession, engine: EngineProcess, *texts: str) -> int:
    question = {"model": "minilm", "input": list(texts)}
    async with session.post(f"{engine.url}/v1/embeddings", json=question) as answer:
        await answer.read()
        return answer.status


async def set_faults(session: aiohttp.ClientSession, engine: EngineProcess, *faults: str) -> None:
    async with session.post(f"{engine.url}/fault", json={"addresses": {"*": list(faults)}}) as answer:
        assert answer.status == 200, await answer.text()


@pytest.fixture
async def faulty(session: aiohttp.ClientSession, engine: EngineProcess) -> AsyncIterator[EngineProcess]:
    """Return the engine; faults that the test sets are cleared afterwards."""
    assert await embed(session, engine, TEXT) == 200
    yield engine
    await set_faults(session, engine)


async def test_an_idle_engine_says_everything(session: aiohttp.ClientSession, engine: EngineProcess) -> None:
    assert await embed(session, engine, TEXT) == 200
    sample, failures = await polled(session, engine)
    assert failures == []
    assert all(sample.shape)
    assert sample.is_valid
    assert (sample.in_flight, sample.waiting_requests, sample.waiting_tokens) == (0.0, 0.0, 0.0)


async def test_work_moves_the_counters(session: aiohttp.ClientSession, engine: EngineProcess) -> None:
    assert await embed(session, engine, TEXT) == 200
    before, _ = await polled(session, engine)
    for _ in range(3):
        assert await embed(session, engine, TEXT, TEXT) == 200
    after, _ = await polled(session, engine)
    a_tick_ago = replace(before, taken_at=before.taken_at - timedelta(seconds=5))
    load = measure({"uid": [a_tick_ago, after]}, ready=["uid"], now=now())
    assert load is not None
    assert (after.requests_done or 0) - (before.requests_done or 0) == 3
    assert (after.tokens_done or 0) - (before.tokens_done or 0) >= 3 * 2 * 5
    assert (after.tokens_computed or 0) > (before.tokens_computed or 0)
    assert (load.reporting, load.expected) == (1, 1)
    assert (load.arrival_tokens_per_second or 0) > 0


async def test_load_shows_as_a_queue(session: aiohttp.ClientSession, engine: EngineProcess) -> None:
    requests = [asyncio.create_task(embed(session, engine, TEXT * 8)) for _ in range(30)]
    deepest = 0.0
    while not all(request.done() for request in requests):
        sample, _ = await polled(session, engine)
        assert sample.is_valid
        load = measure({"uid": [sample]}, ready=["uid"], now=now())
        assert load is not None
        deepest = max(deepest, load.queue_requests)
    assert {request.result() for request in requests} == {200}
    assert 5 <= deepest <= 30


async def test_refused_requests_are_counted(session: aiohttp.ClientSession, engine: EngineProcess) -> None:
    before, _ = await polled(session, engine)
    statuses = await asyncio.gather(*(embed(session, engine, TEXT * 4) for _ in range(100)))
    after, _ = await polled(session, engine)
    assert statuses.count(503) > 0
    assert (after.refused or 0) - (before.refused or 0) == statuses.count(503)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("metrics-absent", PollFailure(source=Source.METRICS, cause=FailureCause.STATUS)),
        ("metrics-slow", PollFailure(source=Source.METRICS, cause=FailureCause.TIMEOUT)),
        ("metrics-partial", PollFailure(source=Source.METRICS, cause=FailureCause.CONTENT)),
        ("loads-absent", PollFailure(source=Source.LOADS, cause=FailureCause.STATUS)),
    ],
)
async def test_a_source_that_is_missing_leaves_the_other(
    session: aiohttp.ClientSession, faulty: EngineProcess, fault: str, failure: PollFailure
) -> None:
    await set_faults(session, faulty, fault)
    sample, failures = await polled(session, faulty)
    assert failures == [failure]
    missing_queue = failure.source is Source.METRICS
    assert (sample.in_flight is None) == missing_queue
    assert (sample.waiting_tokens is None) != missing_queue
    assert sample.is_complete != missing_queue


async def test_renamed_metrics_are_missing_and_not_zero(session: aiohttp.ClientSession, faulty: EngineProcess) -> None:
    await set_faults(session, faulty, "metrics-renamed")
    sample, failures = await polled(session, faulty)
    assert failures == []
    assert (sample.in_flight, sample.tokens_done, sample.is_complete) == (None, None, False)


async def test_metrics_that_are_no_numbers_are_passed_on(session: aiohttp.ClientSession, faulty: EngineProcess) -> None:
    await set_faults(session, faulty, "metrics-nan")
    sample, _ = await polled(session, faulty)
    assert not sample.is_valid
    load = measure({"uid": [sample]}, ready=["uid"], now=now())
    assert load is not None
    assert math.isnan(load.queue_requests)


async def test_an_engine_agrees_with_itself(session: aiohttp.ClientSession, engine: EngineProcess) -> None:
    probe = ParityProbe(session)
    first, second = await probe.vectors(engine.url), await probe.vectors(engine.url)
    assert first is not None
    assert second is not None
    assert len(first) == len(TEXTS)
    assert parity(first, second) is Parity.PASSED


@pytest.mark.parametrize("fault", ["wrong-dimension", "nan-vectors"])
async def test_an_engine_with_other_vectors_is_told(
    session: aiohttp.ClientSession, faulty: EngineProcess, fault: str
) -> None:
    probe = ParityProbe(session)
    reference = await probe.vectors(faulty.url)
    await set_faults(session, faulty, fault)
    answer = await probe.vectors(faulty.url)
    assert reference is not None
    assert answer is not None
    assert parity(reference, answer) is Parity.FAILED


async def test_an_engine_that_fails_is_no_answer(session: aiohttp.ClientSession, faulty: EngineProcess) -> None:
    await set_faults(session, faulty, "embeddings-error")
    assert await ParityProbe(session).vectors(faulty.url) is None
