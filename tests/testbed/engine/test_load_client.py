"""The load client against a fake engine."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from testbed.engine.process import free_port
from testbed.load.client import LoadClient, Report
from testbed.load.plan import Arrivals, ClosedLoop, OpenLoop, Plan
from testbed.waiting import eventually_true
from tests.testbed.engine.conftest import StartFake


def plan(
    url: str, loop: OpenLoop | ClosedLoop, *, seconds: float = 0.3, timeout_seconds: float = 5, retries: int = 0
) -> Plan:
    return Plan(
        url=url,
        loop=loop,
        duration_seconds=seconds,
        tokens=8,
        texts_per_request=2,
        model="model",
        timeout_seconds=timeout_seconds,
        retries=retries,
        is_keeping_connections=True,
        api_key=None,
    )


def ten_a_second() -> OpenLoop:
    return OpenLoop(rate=10, arrivals=Arrivals.CONSTANT, seed=0)


def reaches(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """Return `condition` as a coroutine function."""

    async def look() -> bool:
        return condition()

    return look


async def run(wanted: Plan) -> tuple[Report, list[Report]]:
    seconds: list[Report] = []
    return await LoadClient(wanted, each_second=seconds.append).run(), seconds


async def test_an_open_loop_sends_what_is_due_and_counts_the_answers(start_fake: StartFake) -> None:
    report, seconds = await run(plan(f"http://127.0.0.1:{await start_fake()}", ten_a_second()))

    assert (report["sent"], report["ok"], report["failed"], report["failures"]) == (3, 3, 0, [])
    assert sum(int(str(second["sent"])) for second in seconds) == 3


async def test_a_closed_loop_keeps_its_clients_busy(start_fake: StartFake) -> None:
    report, _ = await run(
        plan(f"http://127.0.0.1:{await start_fake(floor_seconds='0.05')}", ClosedLoop(2), seconds=2.0)
    )

    assert report["failed"] == 0
    assert 2 < int(str(report["ok"])) <= 82


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("embeddings-error", "status 500"),
        ("nan-vectors", "no embeddings in the response"),
        ("hang", "timeout"),
    ],
)
async def test_what_is_no_embedding_is_a_failure_with_its_cause(fault: str, cause: str, start_fake: StartFake) -> None:
    url = f"http://127.0.0.1:{await start_fake(faults=fault)}"

    report, _ = await run(plan(url, ten_a_second(), timeout_seconds=2))

    assert (report["ok"], report["failures_by_cause"]) == (0, {cause: 3})


async def test_a_port_without_a_listener_is_a_failure_each_time() -> None:
    report, _ = await run(plan(f"http://127.0.0.1:{free_port()}", ten_a_second()))

    assert (report["sent"], report["failures_by_cause"]) == (3, {"ClientConnectorError": 3})


async def test_a_broken_connection_is_not_tried_again(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    port = await start_fake("--per-address")
    async with http.post(f"http://127.0.0.1:{port}/fault", json={"addresses": {"127.0.0.2": ["crash"]}}) as answer:
        assert answer.status == 200

    report, _ = await run(plan(f"http://127.0.0.2:{port}", ten_a_second()))

    assert (report["sent"], report["ok"], report["failed"]) == (3, 0, 3)


async def test_a_stopped_client_answers_with_what_it_has(start_fake: StartFake) -> None:
    client = LoadClient(
        plan(f"http://127.0.0.1:{await start_fake()}", ten_a_second(), seconds=600), each_second=lambda _: None
    )
    running = asyncio.create_task(client.run())
    await eventually_true("three requests are sent", reaches(lambda: client.sent >= 3))

    client.stop()
    report = await asyncio.wait_for(running, 60)

    assert int(str(report["sent"])) >= 3
    assert report["ok"] == report["sent"] == client.sent


async def test_a_request_that_failed_is_sent_again_as_often_as_wished(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake(faults='embeddings-error')}"
    # The pause before the second retry leaves time for the engine to get well.
    client = LoadClient(plan(url, ClosedLoop(1), retries=20), each_second=lambda _: None)
    running = asyncio.create_task(client.run())
    await eventually_true("a request was sent again", reaches(lambda: client.retried >= 1))
    async with http.post(f"{url}/fault", json={"addresses": {"*": []}}) as answer:
        assert answer.status == 200

    report = await running

    assert report["failed"] == 0
    assert report["ok"] == report["sent"]
    assert report["retries_by_cause"] == {"status 500": client.retried}


async def test_a_request_fails_when_no_repetition_helped(start_fake: StartFake) -> None:
    url = f"http://127.0.0.1:{await start_fake(faults='embeddings-error')}"

    report, _ = await run(plan(url, ClosedLoop(1), retries=1))

    assert (report["ok"], report["failed"], report["retries_by_cause"]) == (0, 1, {"status 500": 1})
