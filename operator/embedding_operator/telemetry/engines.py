"""Asking every engine for its figures, all at once and each within seconds."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime

import aiohttp

from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.telemetry.figures import (
    LOADS_PATH,
    METRICS_PATH,
    LoadFigures,
    PageFigures,
    load_figures,
    page_figures,
)
from embedding_operator.telemetry.questions import PollFailure, Questions, Source, ignored


class EnginePoller:
    """Polls engines over `session`, at most `concurrency` at a time; `failed` hears of every failure."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime],
        failed: Callable[[PollFailure], None] = ignored,
        timeout_seconds: float = 2.0,
        concurrency: int = 128,
    ) -> None:
        self._questions = Questions(session=session, now=now, failed=failed, timeout_seconds=timeout_seconds)
        self._slots = asyncio.Semaphore(concurrency)

    async def poll(self, endpoints: Mapping[str, str]) -> tuple[EngineSample, ...]:
        """Return a sample of every engine that answered at all; `endpoints` are base URLs by pod UID."""
        samples = await asyncio.gather(*(self._sample(uid, url) for uid, url in endpoints.items()))
        return tuple(sample for sample in samples if sample is not None)

    async def _sample(self, uid: str, url: str) -> EngineSample | None:
        async with self._slots:
            page, report = await asyncio.gather(
                self._questions.ask(Source.METRICS, url + METRICS_PATH, understand=_page),
                self._questions.ask(Source.LOADS, url + LOADS_PATH, understand=_report),
            )
        answer = page or report
        if answer is None:
            return None
        figures = page[1] if page is not None else PageFigures()
        loads = report[1] if report is not None else LoadFigures()
        return EngineSample(
            pod_uid=uid,
            taken_at=answer[0],
            in_flight=figures.in_flight,
            # The gauge counts the last batch; the report has only what decodes, and an embedding never does.
            running=_first(figures.running, loads.running),
            # The report is live; the gauge is as old as the last finished batch.
            waiting_requests=_first(loads.waiting_requests, figures.waiting_requests),
            waiting_tokens=loads.waiting_tokens,
            tokens_done=figures.tokens_done,
            tokens_computed=loads.tokens_computed,
            requests_done=figures.requests_done,
            refused=figures.refused,
        )


def _first(preferred: float | None, other: float | None) -> float | None:
    return preferred if preferred is not None else other


def _page(body: bytes) -> PageFigures:
    return page_figures(body.decode())


def _report(body: bytes) -> LoadFigures:
    return load_figures(json.loads(body))
