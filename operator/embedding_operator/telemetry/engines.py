"""Polling engines: their metrics page and their load report make one sample."""

import asyncio

from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.guard import UNCOUNTED, Guard
from embedding_operator.telemetry.engine_metrics import (
    LOADS_PATH,
    METRICS_PATH,
    EngineMetrics,
    LoadReport,
    read_engine_metrics,
    read_load_report,
)
from embedding_operator.telemetry.fetch import Fetcher, Source, read_json
from embedding_operator.telemetry.poller import CONCURRENCY, Poller


def engine_poller(
    fetcher: Fetcher, *, concurrency: int = CONCURRENCY, guard: Guard = UNCOUNTED
) -> Poller[EngineSample]:
    """Return a poller of engines; an engine that answers neither request gives no sample."""

    async def sample(uid: str, url: str) -> EngineSample | None:
        page, report = await asyncio.gather(
            fetcher.fetch(Source.METRICS, url + METRICS_PATH, parse=_metrics),
            fetcher.fetch(Source.LOADS, url + LOADS_PATH, parse=_loads),
        )
        answer = page or report
        if answer is None:
            return None
        metrics = page[1] if page is not None else EngineMetrics()
        loads = report[1] if report is not None else LoadReport()
        return EngineSample(
            pod_uid=uid,
            taken_at=answer[0],
            in_flight=metrics.in_flight,
            # The gauge counts the last batch; the report has only decoding requests, and an embedding never decodes.
            running=_first(metrics.running, loads.running),
            # The report is live; the gauge is as old as the last finished batch.
            waiting_requests=_first(loads.waiting_requests, metrics.waiting_requests),
            waiting_tokens=loads.waiting_tokens,
            tokens_done=metrics.tokens_done,
            tokens_computed=loads.tokens_computed,
            requests_done=metrics.requests_done,
            refused=metrics.refused,
        )

    return Poller(sample, concurrency=concurrency, guard=guard)


def _first(preferred: float | None, other: float | None) -> float | None:
    return preferred if preferred is not None else other


def _metrics(body: bytes) -> EngineMetrics:
    return read_engine_metrics(body.decode())


def _loads(body: bytes) -> LoadReport:
    return read_load_report(read_json(body))
