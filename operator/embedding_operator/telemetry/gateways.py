"""Asking every gateway pod for the figures of HAProxy's exporter.

Only the sections on the backend and its servers are asked for. Servers in maintenance are among them: what such a one
still has in flight would else look as if it waited.
"""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.telemetry.exposition import Line, read_metrics
from embedding_operator.telemetry.questions import PollFailure, Questions, Source, ignored

PATH = "/metrics?scope=backend&scope=server"
BACKEND = "engines"

OUTSTANDING = "haproxy_backend_current_sessions"
REQUESTS = "haproxy_backend_sessions_total"
RESPONSES = "haproxy_backend_http_responses_total"
LAST_REQUEST = "haproxy_backend_last_session_seconds"
IN_SERVICE = "haproxy_server_current_sessions"

_NAMES = (OUTSTANDING, REQUESTS, RESPONSES, LAST_REQUEST, IN_SERVICE)
_REJECTED = "4xx"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFigures:
    """What the exporter of one HAProxy says; see `GatewaySample`."""

    outstanding: float
    requests: float
    rejected: float
    last_request_seconds: float | None
    engines: Mapping[str, float]


def gateway_figures(page: str) -> GatewayFigures:
    """Return the figures of a page; raise `ValueError` for one that lacks any, or was cut off."""
    if not page.endswith("\n"):
        raise ValueError("the metrics page has no end")
    metrics = {
        name: [line for line in lines if line.labels.get("proxy") == BACKEND]
        for name, lines in read_metrics(page, names=_NAMES).items()
    }
    # HAProxy says -1 while no request ever reached an engine.
    last = _number(_only(metrics[LAST_REQUEST], name=LAST_REQUEST), least=-1.0)
    return GatewayFigures(
        outstanding=_number(_only(metrics[OUTSTANDING], name=OUTSTANDING)),
        requests=_number(_only(metrics[REQUESTS], name=REQUESTS)),
        rejected=_number(
            _only([line for line in metrics[RESPONSES] if line.labels.get("code") == _REJECTED], name=RESPONSES)
        ),
        last_request_seconds=None if last < 0 else last,
        engines={line.labels.get("server", ""): _number(line) for line in metrics[IN_SERVICE]},
    )


class GatewayPoller:
    """Polls gateway pods over `session`, at most `concurrency` at a time; `failed` hears of every failure."""

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

    async def poll(self, endpoints: Mapping[str, str]) -> tuple[GatewaySample, ...]:
        """Return a sample of every pod that gave all figures; `endpoints` are base URLs by pod UID."""
        samples = await asyncio.gather(*(self._sample(uid, url) for uid, url in endpoints.items()))
        return tuple(sample for sample in samples if sample is not None)

    async def _sample(self, uid: str, url: str) -> GatewaySample | None:
        async with self._slots:
            answer = await self._questions.ask(Source.GATEWAY, url + PATH, understand=_page)
        if answer is None:
            return None
        taken_at, figures = answer
        return GatewaySample(
            pod_uid=uid,
            taken_at=taken_at,
            outstanding=figures.outstanding,
            requests=figures.requests,
            rejected=figures.rejected,
            last_request_seconds=figures.last_request_seconds,
            engines=figures.engines,
        )


def _page(body: bytes) -> GatewayFigures:
    return gateway_figures(body.decode())


def _only(lines: Sequence[Line], *, name: str) -> Line:
    if len(lines) != 1:
        message = f"{len(lines)} lines of {name} on the backend {BACKEND}"
        raise ValueError(message)
    return lines[0]


def _number(line: Line, *, least: float = 0.0) -> float:
    if not least <= line.value < math.inf:
        message = f"{line.value} is no figure"
        raise ValueError(message)
    return line.value
