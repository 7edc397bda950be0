"""The client with persistent connections against fake engines and against a server that closes them."""

import asyncio
import socket
from typing import Any

from aiohttp import web

from testbed.load.kept import ENGINE_HEADER, KeptConnections
from tests.testbed.engine.conftest import StartFake


async def run(url: str, *, connections: int = 2, requests: int = 10) -> dict[str, Any]:
    """Return the report of clients that are stopped once they have sent that many requests."""
    kept = KeptConnections(url, connections=connections, pause_seconds=0.02, each_second=lambda _: None)
    running = asyncio.create_task(kept.run(duration_seconds=600))
    while kept.sent < requests:  # noqa: ASYNC110 - what changes is a count
        await asyncio.sleep(0.01)
    kept.stop()
    report: dict[str, Any] = await asyncio.wait_for(running, 60)
    return report


async def test_connections_are_opened_once_and_an_engine_tells_its_name(start_fake: StartFake) -> None:
    report = await run(f"http://127.0.0.1:{await start_fake(named='true')}")

    assert report["failed"] == 0
    assert report["ok"] == report["sent"] > report["connections_opened"] == 2
    firsts = report["first_answers"]
    assert {first["engine"] for first in firsts} == {socket.gethostname()}
    assert all(first["opened_at"] <= first["answered_at"] for first in firsts)


async def test_engines_that_do_not_say_who_they_are_are_counted_but_not_told(start_fake: StartFake) -> None:
    report = await run(f"http://127.0.0.1:{await start_fake()}")

    assert report["ok"] > 0
    assert report["first_answers"] == []


async def test_each_connection_tells_of_the_first_answer_of_each_engine() -> None:
    names = iter(("a", "a", "b", "b", "a", "b"))

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({}, headers={ENGINE_HEADER: next(names, "c")})

    report = await against(answer)

    assert [first["engine"] for first in report["first_answers"]] == ["a", "b", "c"]
    assert len({first["opened_at"] for first in report["first_answers"]}) == 1
    times = [first["answered_at"] for first in report["first_answers"]]
    assert times == sorted(times)


async def test_a_connection_that_is_opened_again_tells_of_engines_that_come_after_it() -> None:
    names = iter("aaab")

    async def answer(_: web.Request) -> web.Response:
        name = next(names, "b")
        response = web.json_response({}, headers={ENGINE_HEADER: name})
        if name == "a":
            response.force_close()
        return response

    report = await against(answer)

    assert report["failed"] == 0
    assert report["connections_opened"] == 4
    assert [first["engine"] for first in report["first_answers"]] == ["a", "b"]


async def test_a_failure_has_its_cause() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=502)

    report = await against(answer)

    assert (report["ok"], report["first_answers"]) == (0, [])
    assert report["failures_by_cause"] == {"status 502": report["sent"]}


async def test_what_is_in_progress_is_answered_when_it_is_stopped(start_fake: StartFake) -> None:
    report = await run(f"http://127.0.0.1:{await start_fake()}", connections=1, requests=3)

    assert report["sent"] == report["ok"] >= 3


async def against(answer: Any) -> dict[str, Any]:
    app = web.Application()
    app.add_routes([web.post("/v1/embeddings", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        return await run(f"http://127.0.0.1:{runner.addresses[0][1]}", connections=1)
    finally:
        await runner.cleanup()
