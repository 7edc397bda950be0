"""Asking every engine for its figures, all at once and each within seconds."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import aiohttp

from embedding_operator.domain.metrics import EngineSample
from embedding_operator.telemetry.figures import (
    LOADS_PATH,
    METRICS_PATH,
    LoadFigures,
    PageFigures,
    load_figures,
    page_figures,
)

MAX_ANSWER_BYTES = 8 * 1024 * 1024
KEEP_ALIVE_SECONDS = 2.0
"""Shorter than the 5 s after which SGLang closes idle connections: one that it is closing is never used again."""


class Source(StrEnum):
    """Where figures come from."""

    METRICS = "metrics"
    LOADS = "loads"


class FailureCause(StrEnum):
    """Why a source gave no figures."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollFailure:
    """One question that got no usable answer."""

    source: Source
    cause: FailureCause


def _ignored(_: PollFailure) -> None:
    return None


def engine_session() -> aiohttp.ClientSession:
    """Return a session for requests to engine pods: no proxies, no cookies, no connection kept for long."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


Figures = TypeVar("Figures")


class EnginePoller:
    """Polls engines over `session`, at most `concurrency` at a time; `failed` hears of every failure."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        now: Callable[[], datetime],
        failed: Callable[[PollFailure], None] = _ignored,
        timeout_seconds: float = 2.0,
        concurrency: int = 128,
    ) -> None:
        self._session = session
        self._now = now
        self._failed = failed
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._slots = asyncio.Semaphore(concurrency)

    async def poll(self, endpoints: Mapping[str, str]) -> tuple[EngineSample, ...]:
        """Return a sample of every engine that answered at all; `endpoints` are base URLs by pod UID."""
        samples = await asyncio.gather(*(self._sample(uid, url) for uid, url in endpoints.items()))
        return tuple(sample for sample in samples if sample is not None)

    async def _sample(self, uid: str, url: str) -> EngineSample | None:
        async with self._slots:
            page, report = await asyncio.gather(
                self._ask(Source.METRICS, url + METRICS_PATH, understand=_page),
                self._ask(Source.LOADS, url + LOADS_PATH, understand=_report),
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

    async def _ask(
        self, source: Source, url: str, *, understand: Callable[[bytes], Figures]
    ) -> tuple[datetime, Figures] | None:
        """Return when `url` answered and what it said, or None."""
        try:
            body = await self._body(url)
            return self._now(), understand(body)
        except TimeoutError:
            cause = FailureCause.TIMEOUT
        except aiohttp.ClientResponseError:
            cause = FailureCause.STATUS
        except (aiohttp.ClientError, OSError):
            cause = FailureCause.CONNECTION
        except (ValueError, OverflowError, RecursionError):
            cause = FailureCause.CONTENT
        self._failed(PollFailure(source=source, cause=cause))
        return None

    async def _body(self, url: str) -> bytes:
        async with self._session.get(url, timeout=self._timeout, allow_redirects=False) as response:
            if response.status != 200:  # noqa: PLR2004 - HTTP's OK
                raise aiohttp.ClientResponseError(response.request_info, response.history, status=response.status)
            return await _limited(response)


def _first(preferred: float | None, other: float | None) -> float | None:
    return preferred if preferred is not None else other


def _page(body: bytes) -> PageFigures:
    return page_figures(body.decode())


def _report(body: bytes) -> LoadFigures:
    return load_figures(json.loads(body))


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    """Return the body; raise `ValueError` for one that no engine has."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            message = f"more than {MAX_ANSWER_BYTES} bytes"
            raise ValueError(message)
    return bytes(body)
