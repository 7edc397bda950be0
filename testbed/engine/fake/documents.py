"""The documents in which an engine describes itself: `/v1/loads`, `/model_info`, `/server_info`, `/v1/models`."""

from __future__ import annotations

from datetime import UTC, datetime

from .figures import Figures
from .settings import EngineSettings

VERSION = "0.5.23"
KIBIBYTES_OF_KV_PER_TOKEN = 9


def loads(figures: Figures, *, engine: EngineSettings, now: float) -> dict[str, object]:
    """Return the body of `/v1/loads`: one entry for the one data-parallel rank; `now` is in seconds since the epoch."""
    used = figures.live_running_tokens
    kv_gigabytes = round(engine.max_total_tokens * KIBIBYTES_OF_KV_PER_TOKEN / 1024**2, 3)
    rank = {
        "timestamp": now,
        "dp_rank": 0,
        "num_running_reqs": figures.live_running,
        "num_waiting_reqs": figures.live_waiting,
        "num_waiting_uncached_tokens": figures.live_waiting_tokens,
        "num_used_tokens": used,
        "num_total_tokens": used + figures.live_waiting_tokens,
        "num_active_tokens": used,
        "num_prealloc_ready_tokens": 0,
        "max_total_num_tokens": engine.max_total_tokens,
        "max_running_requests": engine.max_running_requests,
        "token_usage": used / engine.max_total_tokens,
        "gen_throughput": 0.0,
        "cache_hit_rate": 0.0,
        "utilization": 0.0,
        "total_prefill_uncached_tokens": round(figures.prompt_tokens),
        "total_prefill_busy_us": figures.busy_microseconds,
        "decode_moments": None,
        "memory": {
            "weight_gb": 0.045,
            "kv_cache_gb": kv_gigabytes,
            "graph_gb": 0.0,
            "token_capacity": engine.max_total_tokens,
        },
        "disaggregation": _no_disaggregation(),
        "queues": {"waiting": figures.live_waiting, "grammar": 0, "paused": 0, "retracted": 0, "prealloc_ready": 0},
    }
    return {
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(),
        "version": VERSION,
        "accelerator": None,
        "num_accelerators": 1,
        "loads": [rank],
    }


def model_info(engine: EngineSettings, *, dimension: int) -> dict[str, object]:
    """Return the body of `/model_info`."""
    return {
        "model_path": engine.model_path,
        "served_model_name": engine.served_model_name,
        "tokenizer_path": engine.model_path,
        "is_generation": False,
        "weight_version": "default",
        "load_format": "auto",
        "model_type": "bert",
        "architectures": ["BertModel"],
        "embedding": {
            "enabled": True,
            "task": "embed",
            "normalize": True,
            "supports_dimensions": engine.matryoshka.enabled,
            "matryoshka_dimensions": [size for size in engine.matryoshka.dimensions if size <= dimension],
        },
    }


def server_info(engine: EngineSettings) -> dict[str, object]:
    """Return the body of `/server_info`: the arguments that this engine honors, and its version."""
    return {
        "model_path": engine.model_path,
        "served_model_name": engine.served_model_name,
        "is_embedding": True,
        "context_length": engine.context_length,
        "max_total_tokens": engine.max_total_tokens,
        "max_queued_requests": engine.max_queued_requests,
        "max_running_requests": engine.max_running_requests,
        "enable_metrics": engine.metrics_enabled,
        "version": VERSION,
    }


def models(engine: EngineSettings, *, now: float) -> dict[str, object]:
    """Return the body of `/v1/models`."""
    name = engine.served_model_name
    model = {
        "id": name,
        "object": "model",
        "created": int(now),
        "owned_by": "sglang",
        "root": name,
        "parent": None,
        "max_model_len": engine.context_length,
    }
    return {"object": "list", "data": [model]}


def _no_disaggregation() -> dict[str, object]:
    queues = ("prefill_bootstrap", "prefill_inflight", "decode_prealloc", "decode_transfer", "decode_retracted")
    return {
        "mode": "null",
        **{f"{queue}_queue_reqs": 0 for queue in queues},
        "kv_transfer_speed_gb_s": 0.0,
        "kv_transfer_latency_ms": 0.0,
    }
