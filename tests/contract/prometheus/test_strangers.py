"""Servers that are not Prometheus, and what they cannot make the operator do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from embedding_operator.telemetry.bounded_session import MAX_ANSWER_BYTES
from embedding_operator.telemetry.prometheus import Prometheus

from testbed.engine.process import LOOPBACK, free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOMENT = datetime(2026, 6, 3, 12, tzinfo=UTC)
DATA = {"resultType": "vector", "result": [{"metric": {}, "value": [MOMENT.timestamp(), "7"]}]}
VALUE = {"status": "success", "data": DATA}


@pytest.fixture
async def client() -> AsyncIterator[Prometheus]:
    made = Prometheus(now=lambda: MOMENT, timeout_seconds=1.0)
    yield made
    made.close()


@asynccontextmanager
async def stranger(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with `handler`; return the address."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        await runner.cleanup()


def saying(status: int, body: str, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    return handler


def valued_at(seconds: float) -> dict[str, Any]:
    result = [{"metric": {}, "value": [MOMENT.timestamp() + seconds, "7"]}]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


@pytest.mark.parametrize(
    "said",
    [
        VALUE,
        valued_at(-60),
        {**VALUE, "isPartial": False, "warnings": None},
        {**VALUE, "warnings": ['PromQL info: metric might not be a counter, name does not end in _total: "queue"']},
        {**VALUE, "infos": ["PromQL info: metric might not be a counter"]},
    ],
)
async def test_an_answer_with_remarks_about_the_query_is_complete(client: Prometheus, said: dict[str, Any]) -> None:
    async with stranger(saying(200, json.dumps(said))) as address:
        assert (await client.value(address, "up")).value == 7.0


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (saying(200, "<html>welcome</html>"), "the server is not a Prometheus: correct the address"),
        (saying(200, "[]"), "the server is not a Prometheus: correct the address"),
        (saying(200, '{"data": {"result": "secret"}}'), "the server is not a Prometheus: correct the address"),
        (saying(200, '{"data": {"result": [7]}}'), "the server is not a Prometheus: correct the address"),
        (saying(503, "secret"), "the server answered with HTTP status 503"),
        (saying(404, '{"message": "secret"}'), "the server answered with HTTP status 404"),
        (
            saying(422, json.dumps({"status": "error", "error": "too many samples"})),
            "the server rejected the query: too many samples",
        ),
        (
            saying(200, json.dumps({"status": "error", "error": "no such tenant"})),
            "the server rejected the query: no such tenant",
        ),
        (
            saying(200, json.dumps({**VALUE, "warnings": ["store prometheus-1 is unavailable"]})),
            "the answer is incomplete: store prometheus-1 is unavailable",
        ),
        (
            saying(200, json.dumps({**VALUE, "isPartial": True})),
            "the answer is partial: some of the server's storage did not respond",
        ),
        (saying(200, json.dumps(valued_at(-3600))), "the newest value is 3600 s old"),
        (saying(200, json.dumps(valued_at(3600))), "the newest value is 3600 s in the future"),
        (saying(200, "[" * 100_000), "the server is not a Prometheus: correct the address"),
    ],
)
async def test_what_answers_otherwise_is_named_and_not_repeated(
    client: Prometheus, handler: Handler, problem: str
) -> None:
    async with stranger(handler) as address:
        answer = await client.value(address, "up")
    assert (answer.value, answer.problem) == (None, problem)


async def test_redirects_are_not_followed(client: Prometheus) -> None:
    async with stranger(saying(200, json.dumps(VALUE))) as inside:
        assert (await client.value(inside, "up")).value == 7.0
        async with stranger(saying(302, "", Location=f"{inside}/api/v1/query")) as address:
            answer = await client.value(address, "up")
    assert answer.value is None
    assert (
        answer.problem == "the server redirects, and redirects are not followed: use the address that it redirects to"
    )


async def test_a_server_that_is_silent_does_not_hold_the_operator_up(client: Prometheus) -> None:
    async def handler(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with stranger(handler) as address:
        answer = await client.value(address, "up")
    assert answer.problem == "no answer in time"


async def test_a_server_that_trickles_does_not_either(client: Prometheus) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(300):
            await response.write(b" ")
            await asyncio.sleep(0.1)
        return response

    async with stranger(handler) as address:
        answer = await client.value(address, "up")
    assert answer.problem == "no answer in time"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_trickles_its_header_or_its_handshake_holds_no_thread(scheme: str) -> None:
    """A byte every 50 ms for 20 s: every read is in time, and no thread waits for the last of them."""
    begun = b"HTTP/1.1 200 OK\r\nX-Slow: " if scheme == "http" else b"\x16\x03\x03\x40\x00"
    cut_off = asyncio.Semaphore(0)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for part in [begun, *[b"a"] * 400]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            cut_off.release()
        finally:
            writer.close()

    port = free_port()
    client = Prometheus(now=lambda: MOMENT, timeout_seconds=1.0)
    async with await asyncio.start_server(serve, LOOPBACK, port):
        address = f"{scheme}://{LOOPBACK}:{port}"
        answers = await asyncio.gather(*(client.value(address, "up") for _ in range(3)))
        assert [answer.problem for answer in answers] == ["no answer in time"] * 3
        async with asyncio.timeout(10):
            for _ in answers:
                await cut_off.acquire()
    client.close()


async def test_an_answer_without_end_is_not_read_to_the_end(client: Prometheus) -> None:
    sent = 0

    async def handler(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 20 * MAX_ANSWER_BYTES:
            await response.write(b" " * 1_000_000)
            sent += 1_000_000
        return response

    async with stranger(handler) as address:
        patient = Prometheus(now=lambda: datetime.now(UTC), timeout_seconds=20.0)
        answer = await patient.value(address, "up")
        patient.close()
    assert answer.problem == "the answer is larger than 8 MiB: narrow the query"
    assert sent < 10 * MAX_ANSWER_BYTES


async def test_no_server_at_all(client: Prometheus) -> None:
    answer = await client.value(f"http://{LOOPBACK}:{free_port()}", "up")
    assert answer.problem == "no connection: correct the address, or allow the operator to reach it"


async def test_credentials_and_proxies_of_the_process_stay_with_it(
    client: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.json_response(VALUE)

    monkeypatch.setenv("HTTP_PROXY", f"http://{LOOPBACK}:{free_port()}")
    async with stranger(handler) as address:
        assert (await client.value(address, "up")).value == 7.0
    assert not {"authorization", "cookie"} & {name.lower() for name in seen[0]}
