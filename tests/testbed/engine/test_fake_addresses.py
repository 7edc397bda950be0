"""One process that serves a separate engine on every local address, with scripted values."""

from collections.abc import Mapping

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.testbed.engine.conftest import StartFake

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
CALL = {"endpoint": "/v1/embeddings", "method": "POST"}


async def samples(http: aiohttp.ClientSession, url: str, name: str) -> list[tuple[dict[str, str], float]]:
    async with http.get(f"{url}/metrics") as answer:
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


async def in_flight(http: aiohttp.ClientSession, url: str) -> float:
    active = await samples(http, url, "sglang:http_requests_active")
    return sum(value for labels, value in active if labels == CALL)


async def play(http: aiohttp.ClientSession, url: str, addresses: Mapping[str, Mapping[str, float]]) -> int:
    async with http.post(f"{url}/script", json={"addresses": addresses}) as answer:
        return answer.status


async def test_every_address_counts_for_itself(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    port = await start_fake("--per-address")
    for _ in range(3):
        async with http.post(f"http://{FIRST}:{port}/v1/embeddings", json={"input": "a b"}) as answer:
            assert answer.status == 200

    tokens = [
        (await samples(http, f"http://{address}:{port}", "sglang:prompt_tokens_total"))[0][1]
        for address in (FIRST, SECOND)
    ]

    assert tokens == [12, 0]


async def test_scripted_values_are_reported_per_address_and_for_all_others(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    port = await start_fake("--per-address", "--scripted")
    first, second = f"http://{FIRST}:{port}", f"http://{SECOND}:{port}"
    script = {"in_flight": 12, "waiting_requests": 4, "waiting_tokens": 400, "prompt_tokens": 1000}

    assert await play(http, first, {SECOND: script, "*": {"in_flight": 1}}) == 200

    assert [await in_flight(http, url) for url in (first, second)] == [1, 12]
    async with http.get(f"{second}/v1/loads") as answer:
        load = (await answer.json())["loads"][0]
    assert (load["num_waiting_reqs"], load["num_waiting_uncached_tokens"]) == (4, 400)
    assert load["total_prefill_uncached_tokens"] == 1000


async def test_a_later_script_for_all_leaves_an_addresss_own_alone(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    port = await start_fake("--per-address", "--scripted")
    first, second = f"http://{FIRST}:{port}", f"http://{SECOND}:{port}"
    await play(http, first, {SECOND: {"in_flight": 12}})
    assert [await in_flight(http, url) for url in (first, second)] == [0, 12]

    await play(http, first, {"*": {"in_flight": 7}})

    assert [await in_flight(http, url) for url in (first, second)] == [7, 12]


async def test_a_scripted_token_counter_grows_by_its_rate(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    url = f"http://{FIRST}:{await start_fake('--scripted')}"
    await play(http, url, {"*": {"prompt_tokens": 500, "tokens_per_second": 1e9}})

    ((_, first),) = await samples(http, url, "sglang:prompt_tokens_total")
    ((_, second),) = await samples(http, url, "sglang:prompt_tokens_total")

    assert 500 < first < second


@pytest.mark.parametrize(
    ("options", "script", "words"),
    [
        (["--scripted"], {"in_fligth": 3}, "in_flight"),
        (["--scripted"], {"in_flight": "3"}, "in_flight must be a number"),
        ([], {"in_flight": 3}, "--scripted"),
    ],
)
async def test_a_script_that_cannot_be_played_is_refused(
    options: list[str], script: dict[str, object], words: str, start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    url = f"http://{FIRST}:{await start_fake(*options)}"

    async with http.post(f"{url}/script", json={"addresses": {"*": script}}) as answer:
        assert answer.status == 400
        assert words in (await answer.json())["detail"]


async def test_a_crashed_address_hangs_up_and_the_others_live_on(
    start_fake: StartFake, http: aiohttp.ClientSession
) -> None:
    port = await start_fake("--per-address")
    first, second = f"http://{FIRST}:{port}", f"http://{SECOND}:{port}"

    with pytest.raises(aiohttp.ClientError):
        await http.post(f"{first}/generate", json={})
    with pytest.raises(aiohttp.ClientError):
        await http.get(f"{first}/ready")
    async with http.get(f"{second}/ready") as answer:
        assert answer.status == 200

    async with http.post(f"{second}/fault", json={"addresses": {FIRST: []}}) as answer:
        assert answer.status == 200
    async with http.get(f"{first}/ready") as answer:
        assert answer.status == 200
