"""The metrics that the operator reads: names, types, labels, and what makes them grow."""

import pytest

from tests.contract.engine.client import EMBEDDINGS, EngineClient

pytestmark = pytest.mark.engine

OWN = {"model_name": "minilm", "engine_type": "unified"}
TOKENIZER = {**OWN, "is_streaming": "false"}
SCHEDULER = {**OWN, "tp_rank": "0", "pp_rank": "0", "moe_ep_rank": "0"}
FAMILIES = {
    "sglang:http_requests_active": ("gauge", EMBEDDINGS),
    "sglang:http_requests_total": ("counter", EMBEDDINGS),
    "sglang:http_responses_total": ("counter", {**EMBEDDINGS, "status_code": "200"}),
    "sglang:num_queue_reqs": ("gauge", SCHEDULER),
    "sglang:num_running_reqs": ("gauge", SCHEDULER),
    "sglang:prompt_tokens_total": ("counter", TOKENIZER),
    "sglang:num_requests_total": ("counter", TOKENIZER),
    "sglang:realtime_tokens_total": ("counter", {**SCHEDULER, "mode": "prefill_compute"}),
    "sglang:scheduler_idle_seconds_total": ("counter", SCHEDULER),
    "sglang:startup_time_seconds": ("gauge", {**OWN, "phase": "load_weight"}),
    "sglang:max_total_num_tokens": ("gauge", SCHEDULER),
    "sglang:context_len": ("gauge", SCHEDULER),
}
PHASES = {"load_weight", "kv_cache_allocation", "scheduler_e2e", "tokenizer_e2e"}


@pytest.mark.parametrize("name", FAMILIES)
async def test_a_metric_has_its_type_and_exactly_its_labels(name: str, client: EngineClient) -> None:
    await client.embed("river")
    kind, labels = FAMILIES[name]

    family = (await client.metrics())[name.removesuffix("_total")]

    assert family.type == kind
    assert labels in [sample.labels for sample in family.samples if sample.name == name]


async def test_start_up_times_are_told_by_phase(client: EngineClient) -> None:
    family = (await client.metrics())["sglang:startup_time_seconds"]

    assert {sample.labels["phase"] for sample in family.samples} == PHASES


async def test_sizes_are_those_of_the_command_line(client: EngineClient) -> None:
    assert await client.value("sglang:max_total_num_tokens") == 20000
    assert await client.value("sglang:context_len") == 256


async def test_a_request_counts_once_and_its_texts_and_tokens_each(client: EngineClient) -> None:
    async def counts() -> tuple[float, float, float, float]:
        return (
            await client.value("sglang:http_requests_total", **EMBEDDINGS),
            await client.value("sglang:http_responses_total", **EMBEDDINGS, status_code="200"),
            await client.value("sglang:num_requests_total"),
            await client.value("sglang:prompt_tokens_total"),
        )

    await client.embed("river")
    before = await counts()
    answer = await client.embed(["river", "green water", "stone"])

    grown = tuple(after - earlier for after, earlier in zip(await counts(), before, strict=True))

    assert grown == (1, 1, 3, answer.body["usage"]["prompt_tokens"])


async def test_a_refused_request_is_counted_by_its_status(client: EngineClient) -> None:
    before = await client.value("sglang:http_responses_total", **EMBEDDINGS, status_code="400")

    await client.embed("")

    assert await client.value("sglang:http_responses_total", **EMBEDDINGS, status_code="400") == before + 1
