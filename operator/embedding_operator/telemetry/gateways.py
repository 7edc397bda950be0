"""Polling gateway pods: the values of HAProxy's exporter for the backend and its servers.

Servers in maintenance are included: their requests in flight would otherwise look as if they were waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.domain.measured import is_possible
from embedding_operator.gateway_contract import BACKEND
from embedding_operator.guard import UNCOUNTED, Guard
from embedding_operator.telemetry.exposition import Line, read_metrics
from embedding_operator.telemetry.fetch import Fetcher, Source
from embedding_operator.telemetry.poller import CONCURRENCY, Poller

PATH = "/metrics?scope=backend&scope=server"

LIMIT_BYTES = 2 * 1024**2
"""HAProxy tells some 5 kB of each engine."""

OUTSTANDING = "haproxy_backend_current_sessions"
REQUESTS = "haproxy_backend_sessions_total"
RESPONSES = "haproxy_backend_http_responses_total"
LAST_REQUEST = "haproxy_backend_last_session_seconds"
IN_SERVICE = "haproxy_server_current_sessions"
STATUS = "haproxy_server_status"

_NAMES = (OUTSTANDING, REQUESTS, RESPONSES, LAST_REQUEST, IN_SERVICE, STATUS)
_REJECTED = "4xx"
_DOWN = "DOWN"
_DRAIN = "DRAIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMetrics:
    """The values of one HAProxy's exporter; see `GatewaySample`."""

    outstanding: float
    requests: float
    rejected: float
    last_request_seconds: float | None
    engines: Mapping[str, float]
    down: frozenset[str]
    drained: frozenset[str]


def read_gateway_metrics(page: str) -> GatewayMetrics:
    """Return the metrics of a page; raise `ValueError` if any is missing, or the page is truncated."""
    if not page.endswith("\n"):
        raise ValueError("the metrics page is truncated")
    metrics = {
        name: [line for line in lines if line.labels.get("proxy") == BACKEND]
        for name, lines in read_metrics(page, names=_NAMES).items()
    }
    # HAProxy reports -1 until a request first reaches an engine.
    last = _number(_only(metrics[LAST_REQUEST], name=LAST_REQUEST), least=-1.0)
    return GatewayMetrics(
        outstanding=_number(_only(metrics[OUTSTANDING], name=OUTSTANDING)),
        requests=_number(_only(metrics[REQUESTS], name=REQUESTS)),
        rejected=_number(
            _only([line for line in metrics[RESPONSES] if line.labels.get("code") == _REJECTED], name=RESPONSES)
        ),
        last_request_seconds=None if last < 0 else last,
        engines={line.labels.get("server", ""): _number(line) for line in metrics[IN_SERVICE]},
        down=_in_state(metrics[STATUS], _DOWN),
        drained=_in_state(metrics[STATUS], _DRAIN),
    )


def gateway_poller(
    fetcher: Fetcher, *, concurrency: int = CONCURRENCY, guard: Guard = UNCOUNTED
) -> Poller[GatewaySample]:
    """Return a poller of gateway pods; a pod whose page lacks a metric gives no sample."""

    async def sample(uid: str, url: str) -> GatewaySample | None:
        answer = await fetcher.fetch(Source.GATEWAY, url + PATH, parse=_page, limit_bytes=LIMIT_BYTES)
        if answer is None:
            return None
        taken_at, metrics = answer
        return GatewaySample(
            pod_uid=uid,
            taken_at=taken_at,
            outstanding=metrics.outstanding,
            requests=metrics.requests,
            rejected=metrics.rejected,
            last_request_seconds=metrics.last_request_seconds,
            engines=metrics.engines,
            down=metrics.down,
            drained=metrics.drained,
        )

    return Poller(sample, concurrency=concurrency, guard=guard)


def _page(body: bytes) -> GatewayMetrics:
    return read_gateway_metrics(body.decode())


def _in_state(lines: Sequence[Line], state: str) -> frozenset[str]:
    """Return the servers that are in `state`: each has a line for every state, which is 1 for its own."""
    return frozenset(
        line.labels.get("server", "") for line in lines if line.labels.get("state") == state and line.value == 1
    )


def _only(lines: Sequence[Line], *, name: str) -> Line:
    if len(lines) != 1:
        message = f"{len(lines)} lines of {name} on the backend {BACKEND}"
        raise ValueError(message)
    return lines[0]


def _number(line: Line, *, least: float = 0.0) -> float:
    if line.value != least and not is_possible(line.value):
        message = f"{line.value} is not a number of requests or seconds"
        raise ValueError(message)
    return line.value
