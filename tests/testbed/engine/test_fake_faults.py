"""Every fault, set and cleared, on an engine in this process."""

import math

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.testbed.engine.conftest import StartFake

WORKING = {"/metrics": 200, "/v1/loads": 200, "/ready": 200, "/health": 200}


async def set_faults(http: aiohttp.ClientSession, url: str, *faults: str) -> None:
    async with http.post(f"{url}/fault", json={"addresses": {"*": list(faults)}}) as answer:
        assert await answer.json() == {"addresses": {"*": sorted(faults)}}


async def metrics(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


async def status(http: aiohttp.ClientSession, url: str, path: str) -> int:
    async with http.get(url + path) as answer:
        return answer.status


async def embed(http: aiohttp.ClientSession, url: str, text: str = "river") -> tuple[int, list[float | None]]:
    async with http.post(f"{url}/v1/embeddings", json={"input": text}) as answer:
        body = await answer.json()
        return answer.status, body["data"][0]["embedding"] if answer.status == 200 else []


@pytest.mark.parametrize(
    ("fault", "path"), [("metrics-absent", "/metrics"), ("loads-absent", "/v1/loads")], ids=["metrics", "loads"]
)
async def test_an_absent_endpoint_is_404_until_it_is_back(
    fault: str, path: str, start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"

    await set_faults(http, url, fault)
    broken = {name: await status(http, url, name) for name in WORKING}
    await set_faults(http, url)
    mended = {name: await status(http, url, name) for name in WORKING}

    assert broken == {**WORKING, path: 404}
    assert mended == WORKING


async def test_nan_metrics_keep_their_names(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"
    await set_faults(http, url, "metrics-nan")

    families = list(text_string_to_metric_families(await metrics(http, url)))

    assert "sglang:num_queue_reqs" in {family.name for family in families}
    assert all(math.isnan(sample.value) for family in families for sample in family.samples)


async def test_stale_metrics_stand_still(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"
    await set_faults(http, url, "metrics-stale")
    before = await metrics(http, url)

    await embed(http, url)
    during = await metrics(http, url)
    await set_faults(http, url)

    assert during == before
    assert await metrics(http, url) != before


async def test_renamed_metrics_have_no_colon(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"
    await set_faults(http, url, "metrics-renamed")

    names = [family.name for family in text_string_to_metric_families(await metrics(http, url))]

    assert "sglang_num_queue_reqs" in names
    assert not any(":" in name for name in names)


async def test_partial_metrics_break_off(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"
    await set_faults(http, url, "metrics-partial")

    assert not (await metrics(http, url)).endswith("\n")


async def test_slow_metrics_come_late(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{await start_fake(slow_metrics_seconds='5')}"
    await set_faults(http, url, "metrics-slow")

    with pytest.raises(TimeoutError):
        await http.get(f"{url}/metrics", timeout=aiohttp.ClientTimeout(total=0.2))


async def test_embeddings_can_fail_be_too_short_or_hold_no_numbers(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake(dimension='8')}"
    whole = await embed(http, url)

    await set_faults(http, url, "embeddings-error")
    assert await embed(http, url) == (500, [])
    await set_faults(http, url, "wrong-dimension")
    assert await embed(http, url) == (200, whole[1][:-1])
    await set_faults(http, url, "nan-vectors")
    assert await embed(http, url) == (200, [None] * 8)
    await set_faults(http, url)
    assert await embed(http, url) == whole


async def test_a_hanging_engine_says_that_it_is_ready_but_not_healthy(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"
    await set_faults(http, url, "hang")

    with pytest.raises(TimeoutError):
        await http.post(f"{url}/v1/embeddings", json={"input": "a"}, timeout=aiohttp.ClientTimeout(total=0.2))

    assert (await status(http, url, "/ready"), await status(http, url, "/health")) == (200, 503)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b'{"addresses": ["hang"]}', "addresses"),
        (b'{"addresses": {"*": ["fire"]}}', "metrics-absent"),
        (b'{"addresses": {"10.0.0.1": ["hang"]}}', "per-address"),
    ],
)
async def test_a_fault_that_cannot_be_set_is_refused_with_what_can(
    body: bytes, words: str, start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake()}"

    async with http.post(f"{url}/fault", data=body) as answer:
        assert answer.status == 400
        assert words in (await answer.json())["detail"]


async def test_a_key_opens_everything_but_probes_and_metrics_need_none(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake('--api-key', 'secret')}"

    async with http.get(f"{url}/v1/models") as refused:
        assert (refused.status, await refused.json()) == (401, {"error": "Unauthorized"})
    async with http.get(f"{url}/v1/models", headers={"Authorization": "Bearer secret"}) as accepted:
        assert accepted.status == 200
    assert [await status(http, url, path) for path in ("/ready", "/health", "/metrics")] == [200, 200, 200]


async def test_a_slow_front_end_has_requests_in_flight_and_none_waiting(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://127.0.0.1:{await start_fake(frontend_seconds_per_text='5')}"

    with pytest.raises(TimeoutError):
        await http.post(f"{url}/v1/embeddings", json={"input": "a"}, timeout=aiohttp.ClientTimeout(total=0.2))
    async with http.get(f"{url}/v1/loads") as answer:
        assert (await answer.json())["loads"][0]["num_waiting_reqs"] == 0
