"""How engines describe themselves."""

import time

import pytest

from tests.contract.engine.client import EngineClient

pytestmark = pytest.mark.engine

LOAD = {
    *("timestamp", "dp_rank", "num_running_reqs", "num_waiting_reqs", "num_waiting_uncached_tokens"),
    *("num_used_tokens", "num_total_tokens", "num_active_tokens", "num_prealloc_ready_tokens"),
    *("max_total_num_tokens", "max_running_requests", "token_usage", "gen_throughput", "cache_hit_rate"),
    *("utilization", "total_prefill_uncached_tokens", "total_prefill_busy_us", "decode_moments"),
    *("memory", "disaggregation", "queues"),
}
NESTED = {
    "memory": {"weight_gb", "kv_cache_gb", "graph_gb", "token_capacity"},
    "queues": {"waiting", "grammar", "paused", "retracted", "prealloc_ready"},
    "disaggregation": {
        *("mode", "prefill_bootstrap_queue_reqs", "prefill_inflight_queue_reqs", "decode_prealloc_queue_reqs"),
        *("decode_transfer_queue_reqs", "decode_retracted_queue_reqs"),
        *("kv_transfer_speed_gb_s", "kv_transfer_latency_ms"),
    },
}


async def test_loads_has_its_keys_and_is_empty_at_rest(client: EngineClient) -> None:
    answer = await client.get("/v1/loads")

    assert set(answer.body) == {"timestamp", "version", "accelerator", "num_accelerators", "loads"}
    (load,) = answer.body["loads"]
    assert set(load) == LOAD
    assert {name: set(load[name]) for name in NESTED} == NESTED
    assert load["num_waiting_reqs"] == load["num_waiting_uncached_tokens"] == load["queues"]["waiting"] == 0
    assert (load["max_total_num_tokens"], load["max_running_requests"]) == (20000, 8)


async def test_the_served_name_is_the_models_id(client: EngineClient) -> None:
    answer = await client.get("/v1/models")

    (model,) = answer.body["data"]
    assert {**model, "created": 0} == {
        "id": "minilm",
        "object": "model",
        "created": 0,
        "owned_by": "sglang",
        "root": "minilm",
        "parent": None,
        "max_model_len": 256,
    }


async def test_model_info_says_that_the_model_embeds(client: EngineClient) -> None:
    body = (await client.get("/model_info")).body

    assert (body["served_model_name"], body["is_generation"]) == ("minilm", False)
    embedding = body["embedding"]
    assert (embedding["enabled"], embedding["normalize"], embedding["supports_dimensions"]) == (True, True, False)
    assert embedding["matryoshka_dimensions"] == []


async def test_server_info_repeats_the_arguments(client: EngineClient) -> None:
    body = (await client.get("/server_info")).body

    wanted = {
        "served_model_name": "minilm",
        "is_embedding": True,
        "context_length": 256,
        "max_total_tokens": 20000,
        "max_queued_requests": 100,
        "max_running_requests": 8,
        "enable_metrics": True,
        "version": "0.5.23",
    }
    assert {name: body[name] for name in wanted} == wanted


async def test_readiness_answers_without_a_body(client: EngineClient) -> None:
    answer = await client.get("/ready")

    assert (answer.status, answer.body) == (200, None)


async def test_health_is_slower_than_a_default_probe_waits(client: EngineClient) -> None:
    started = time.monotonic()
    answer = await client.get("/health")

    assert (answer.status, answer.body) == (200, None)
    # It checks for the result of its own request once a second: a probe with the default timeout of 1 s fails.
    assert time.monotonic() - started >= 0.95
