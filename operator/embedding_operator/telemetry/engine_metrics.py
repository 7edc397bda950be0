"""SGLang's names for the metrics that the operator reads, on its metrics page and in its load report.

A missing metric is None. A labelled metric of SGLang appears with its first value: once any endpoint is on the page
(probes count), an endpoint that is missing has had no request.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedding_operator.telemetry.exposition import Line, read_metrics

ENDPOINT = "/v1/embeddings"
METRICS_PATH = "/metrics"
LOADS_PATH = "/v1/loads"

ACTIVE = "sglang:http_requests_active"
RESPONSES = "sglang:http_responses_total"
PROMPT_TOKENS = "sglang:prompt_tokens_total"
QUEUED = "sglang:num_queue_reqs"
RUNNING = "sglang:num_running_reqs"

_NAMES = (ACTIVE, RESPONSES, PROMPT_TOKENS, QUEUED, RUNNING)
_REFUSED = "503"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineMetrics:
    """The values on the metrics page of an engine."""

    in_flight: float | None = None
    running: float | None = None
    waiting_requests: float | None = None
    tokens_done: float | None = None
    requests_done: float | None = None
    refused: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """The values in the load report of an engine, over all its ranks."""

    running: float | None = None
    waiting_requests: float | None = None
    waiting_tokens: float | None = None
    tokens_computed: float | None = None


def read_engine_metrics(page: str) -> EngineMetrics:
    """Return the metrics of a page; raise `ValueError` if it is truncated.

    A counter that lost some of its lines would appear to be reset, and then to jump.
    """
    if not page.endswith("\n"):
        raise ValueError("the metrics page is truncated")
    metrics = read_metrics(page, names=_NAMES)
    responses = metrics[RESPONSES]
    return EngineMetrics(
        in_flight=_total(metrics[ACTIVE], where=_is_embedding),
        running=_total(metrics[RUNNING]),
        waiting_requests=_total(metrics[QUEUED]),
        tokens_done=_total(metrics[PROMPT_TOKENS]),
        requests_done=_total(responses, where=lambda labels: _is_embedding(labels) and _code(labels).startswith("2")),
        refused=_total(responses, where=lambda labels: _is_embedding(labels) and _code(labels) == _REFUSED),
    )


def read_load_report(report: object) -> LoadReport:
    """Return the values of a load report, parsed from JSON; None for each if it has another form."""
    loads = report.get("loads") if isinstance(report, dict) else None
    ranks = [rank for rank in loads if isinstance(rank, dict)] if isinstance(loads, list) else []
    return LoadReport(
        running=_sum_of(ranks, "num_running_reqs"),
        waiting_requests=_sum_of(ranks, "num_waiting_reqs"),
        waiting_tokens=_sum_of(ranks, "num_waiting_uncached_tokens"),
        tokens_computed=_sum_of(ranks, "total_prefill_uncached_tokens"),
    )


def _any(_: Mapping[str, str]) -> bool:
    return True


def _is_embedding(labels: Mapping[str, str]) -> bool:
    return labels.get("endpoint") == ENDPOINT


def _code(labels: Mapping[str, str]) -> str:
    return labels.get("status_code", "")


def _total(lines: Sequence[Line], *, where: Callable[[Mapping[str, str]], bool] = _any) -> float | None:
    return sum((line.value for line in lines if where(line.labels)), start=0.0) if lines else None


def _sum_of(ranks: Iterable[Mapping[str, Any]], key: str) -> float | None:
    values = [rank.get(key) for rank in ranks]
    numbers = [float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return sum(numbers) if numbers and len(numbers) == len(values) else None
