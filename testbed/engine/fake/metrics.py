"""The metric families that SGLang exports on an embedding server, with its names, types and labels."""

from __future__ import annotations

from collections.abc import Mapping

from .exposition import Family, Kind, Sample
from .figures import Figures
from .settings import EngineSettings


def families_of(figures: Figures, *, engine: EngineSettings) -> list[Family]:
    """Return everything on `/metrics`."""
    own = {"model_name": engine.served_model_name, "engine_type": "unified"}
    scheduler = {**own, "tp_rank": "0", "pp_rank": "0", "moe_ep_rank": "0"}
    return [
        *_http(figures),
        *_queue(figures, scheduler=scheduler),
        *_work_done(figures, tokenizer={**own, "is_streaming": "false"}, scheduler=scheduler),
        *_startup(figures, own=own, scheduler=scheduler, engine=engine),
    ]


def _http(figures: Figures) -> list[Family]:
    return [
        Family(
            "sglang:http_requests_total",
            Kind.COUNTER,
            "Total number of HTTP requests by endpoint and method",
            [Sample({"endpoint": path, "method": method}, count) for (path, method), count in figures.received.items()],
        ),
        Family(
            "sglang:http_responses_total",
            Kind.COUNTER,
            "Total number of HTTP responses by endpoint and status code",
            [
                Sample({"endpoint": path, "method": method, "status_code": str(status)}, count)
                for (path, method, status), count in figures.answered.items()
            ],
        ),
        Family(
            "sglang:http_requests_active",
            Kind.GAUGE,
            "Number of currently active HTTP requests",
            [
                Sample({"endpoint": path, "method": method}, count)
                for (path, method), count in figures.in_flight.items()
            ],
        ),
    ]


def _queue(figures: Figures, *, scheduler: Mapping[str, str]) -> list[Family]:
    return [
        _gauge("sglang:num_running_reqs", "The number of running requests.", scheduler, figures.gauge_running),
        _gauge(
            "sglang:num_queue_reqs", "The number of requests in the waiting queue.", scheduler, figures.gauge_waiting
        ),
    ]


def _work_done(figures: Figures, *, tokenizer: Mapping[str, str], scheduler: Mapping[str, str]) -> list[Family]:
    computed = {**scheduler, "mode": "prefill_compute"}
    return [
        _counter("sglang:prompt_tokens_total", "Number of prefill tokens processed.", tokenizer, figures.prompt_tokens),
        _counter("sglang:num_requests_total", "Number of requests processed.", tokenizer, figures.texts),
        Family(
            "sglang:num_aborted_requests_total",
            Kind.COUNTER,
            "Number of requests aborted.",
            [Sample(tokenizer, figures.aborted)] if figures.aborted else [],
        ),
        _counter("sglang:realtime_tokens_total", "Total number of tokens processed.", computed, figures.prompt_tokens),
        _counter(
            "sglang:scheduler_idle_seconds_total",
            "Total wall time while the scheduler has no runnable or queued work.",
            scheduler,
            figures.idle_seconds,
        ),
    ]


def _startup(
    figures: Figures, *, own: Mapping[str, str], scheduler: Mapping[str, str], engine: EngineSettings
) -> list[Family]:
    return [
        Family(
            "sglang:startup_time_seconds",
            Kind.GAUGE,
            "Startup time by phase.",
            [Sample({**own, "phase": phase}, seconds) for phase, seconds in figures.startup_seconds.items()],
        ),
        _gauge(
            "sglang:max_total_num_tokens",
            "Maximum total number of tokens in the KV cache pool.",
            scheduler,
            engine.max_total_tokens,
        ),
        _gauge("sglang:context_len", "Maximum context length.", scheduler, engine.context_length),
    ]


def _gauge(name: str, explanation: str, labels: Mapping[str, str], value: float) -> Family:
    return Family(name, Kind.GAUGE, explanation, [Sample(labels, value)])


def _counter(name: str, explanation: str, labels: Mapping[str, str], value: float) -> Family:
    return Family(name, Kind.COUNTER, explanation, [Sample(labels, value)])
