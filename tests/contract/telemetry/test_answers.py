"""Servers that respond wrongly in every way that HTTP allows: nothing is raised, nothing waits, nothing is made up."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web
from embedding_operator.telemetry.engines import engine_poller
from embedding_operator.telemetry.fetch import (
    LIMIT_BYTES,
    OWN_BYTES,
    FailureCause,
    Fetcher,
    Memory,
    PollFailure,
    Source,
)
from embedding_operator.telemetry.poller import Poller
from embedding_operator.telemetry.probe import ParityProbe

from testbed.engine.process import LOOPBACK, free_port

pytestmark = pytest.mark.engine

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGE = 'sglang:http_requests_active{endpoint="/v1/embeddings",method="POST"} 3.0\nsglang:prompt_tokens_total 9.0\n'
MOMENT = datetime(2026, 6, 3, 12, tzinfo=UTC)


def text(body: str | bytes, *, status: int = 200) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        content = body if isinstance(body, bytes) else body.encode()
        return web.Response(body=content, status=status, content_type="application/json")

    return answer


async def late(_: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response(text=PAGE)


async def redirect(_: web.Request) -> web.Response:
    raise web.HTTPFound("/other")


async def cut(request: web.Request) -> web.StreamResponse:
    """Promise more than is sent."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(PAGE.encode())
    assert request.transport is not None
    request.transport.abort()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    line = b"sglang:something 1.0\n" * 5000
    for _ in range(2 * LIMIT_BYTES // len(line)):
        await response.write(line)
    return response


async def compressed(_: web.Request) -> web.Response:
    content = gzip.compress(PAGE.encode() + b"\n" * 100 * LIMIT_BYTES)
    return web.Response(body=content, headers={"Content-Encoding": "gzip"})


def promised(size: int) -> Handler:
    """Return a server that says how much it will send, and then waits for ever."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(size)})
        await response.prepare(request)
        await asyncio.sleep(60)
        return response

    return answer


@asynccontextmanager
async def server(
    *, metrics: Handler, loads: Handler | None = None, embeddings: Handler | None = None
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/v1/loads", loads or text('{"loads": []}'))
    app.router.add_get("/other", text(PAGE))
    app.router.add_post("/v1/embeddings", embeddings or text("{}"))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    yield f"http://{LOOPBACK}:{port}"
    await runner.cleanup()


@pytest.mark.parametrize(
    ("metrics", "cause"),
    [
        (text(PAGE, status=500), FailureCause.STATUS),
        (text(PAGE, status=204), FailureCause.STATUS),
        (redirect, FailureCause.STATUS),
        (text(b"\xff\xfe\n"), FailureCause.CONTENT),
        (text(PAGE.rstrip()), FailureCause.CONTENT),
        (endless, FailureCause.CONTENT),
        (promised(LIMIT_BYTES + 1), FailureCause.CONTENT),
        (compressed, FailureCause.CONTENT),
        (cut, FailureCause.CONNECTION),
        (late, FailureCause.TIMEOUT),
    ],
    ids=["error", "no content", "redirect", "no text", "half a line", "endless", "long", "compressed", "cut", "late"],
)
async def test_a_page_that_cannot_be_used(
    session: aiohttp.ClientSession, metrics: Handler, cause: FailureCause
) -> None:
    failures: list[PollFailure] = []
    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT, failed=failures.append, timeout_seconds=1.0))
    async with server(metrics=metrics, loads=text('{"loads": [{"num_waiting_reqs": 4}]}')) as url:
        (sample,) = await poller.poll({"uid": url})
    assert failures == [PollFailure(source=Source.METRICS, cause=cause)]
    assert (sample.in_flight, sample.tokens, sample.waiting_requests) == (None, None, 4.0)


@pytest.mark.parametrize(
    "report",
    [
        "",
        "{",
        "[" * 100_000,
        '{"loads": [' + "{}," * 100_000 + "{}]}",
        '{"loads": [{"num_waiting_reqs": 1' + "0" * 400 + "}]}",
    ],
    ids=["empty", "half", "deep", "many objects", "huge number"],
)
async def test_a_report_that_cannot_be_used(session: aiohttp.ClientSession, report: str) -> None:
    failures: list[PollFailure] = []
    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT, failed=failures.append))
    async with server(metrics=text(PAGE), loads=text(report)) as url:
        (sample,) = await poller.poll({"uid": url})
    assert failures == [PollFailure(source=Source.LOADS, cause=FailureCause.CONTENT)]
    assert (sample.in_flight, sample.tokens_done, sample.waiting_requests) == (3.0, 9.0, None)


async def test_an_engine_that_is_not_there_gives_no_sample(session: aiohttp.ClientSession) -> None:
    failures: list[PollFailure] = []
    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT, failed=failures.append))
    assert await poller.poll({"uid": f"http://{LOOPBACK}:{free_port()}"}) == ()
    assert {failure.cause for failure in failures} == {FailureCause.CONNECTION}
    assert len(failures) == 2


async def test_one_late_engine_does_not_keep_the_others_waiting(session: aiohttp.ClientSession) -> None:
    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT, timeout_seconds=0.5))
    async with server(metrics=late, loads=late) as slow, server(metrics=text(PAGE)) as quick:
        endpoints = {"slow": slow} | {f"quick-{number}": quick for number in range(50)}
        samples = await poller.poll(endpoints)
    assert {sample.pod_uid for sample in samples} == endpoints.keys() - {"slow"}


async def test_pods_that_never_answer_take_turns_and_the_others_are_polled_in_every_round() -> None:
    asked: list[str] = []

    async def sample(uid: str, _: str) -> str | None:
        asked.append(uid)
        if uid.startswith("quick"):
            return uid
        await asyncio.sleep(0.1)
        return None

    silent = [f"silent-{number}" for number in range(40)]
    quick = [f"quick-{number}" for number in range(5)]
    poller = Poller(sample, concurrency=4, start_seconds=0.25)
    endpoints = dict.fromkeys([*silent, *quick], "url")
    tried: set[str] = set()
    for _ in range(30):
        tried |= set(asked)
        asked.clear()
        samples = await poller.poll(endpoints)
        if tried == set(endpoints):
            break
    assert tried == set(endpoints), "every pod has its turn"
    assert set(samples) == set(quick)
    assert set(asked) < set(endpoints), "not every silent pod in every round"


async def test_long_answers_share_memory_and_short_ones_have_their_own(session: aiohttp.ClientSession) -> None:
    line = "sglang:something 1.0\n"
    long, short = text(PAGE + line * (3 * OWN_BYTES // len(line))), text(PAGE + line * (OWN_BYTES // len(line) // 2))
    memory = Memory(limit_bytes=0)
    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT, memory=memory))
    async with server(metrics=long) as greedy, server(metrics=short) as modest:
        samples = await poller.poll({"greedy": greedy, "modest": modest})
    assert {sample.pod_uid: sample.in_flight for sample in samples} == {"greedy": None, "modest": 3.0}
    memory.limit_bytes = LIMIT_BYTES
    async with server(metrics=long) as greedy:
        (sample,) = await poller.poll({"greedy": greedy})
    assert (sample.in_flight, memory.held_bytes) == (3.0, 0)


async def test_no_more_engines_than_allowed_are_asked_at_a_time(session: aiohttp.ClientSession) -> None:
    busy = most = 0

    async def counted(_: web.Request) -> web.Response:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        return web.Response(text=PAGE)

    poller = engine_poller(Fetcher(session=session, now=lambda: MOMENT), concurrency=4)
    async with server(metrics=counted) as url:
        samples = await poller.poll({f"uid-{number}": url for number in range(40)})
    assert len(samples) == 40
    assert 1 < most <= 4


@pytest.mark.parametrize(
    "answer",
    [
        text("", status=500),
        text("{"),
        text("{}"),
        text('{"data": null}'),
        text('{"data": [{"index": 0}]}'),
        text('{"data": [{"index": 0, "embedding": "AAAA"}]}'),
        text('{"data": [{"index": 0, "embedding": [[1]]}]}'),
        text('{"data": ' + "[" * 100_000),
        text('{"data": [{"index": 0, "embedding": [' + "1," * LIMIT_BYTES + "1]}]}"),
        redirect,
        cut,
        late,
    ],
    ids=["error", "half", "empty", "null", "no vector", "base64", "nested", "deep", "long", "redirect", "cut", "late"],
)
async def test_an_answer_without_vectors_is_none(session: aiohttp.ClientSession, answer: Handler) -> None:
    async with server(metrics=text(PAGE), embeddings=answer) as url:
        assert await ParityProbe(session, timeout_seconds=1.0).vectors(url) is None


async def test_vectors_come_in_the_order_of_the_texts(session: aiohttp.ClientSession) -> None:
    answer = text('{"data": [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1.5, 2]}]}')
    async with server(metrics=text(PAGE), embeddings=answer) as url:
        assert await ParityProbe(session).vectors(url) == ((1.5, 2.0), (3.0, 4.0))
