"""The configuration of a service's gateway: HAProxy's file, and the Lua file that it loads.

Equal input gives equal text. Engines are not in it: the agent adds them, with their limits, while HAProxy runs, so
that only a change of the service's own settings changes a gateway pod.
"""

import re
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.base import DNS_LABEL
from embedding_operator.gateway_contract import AGENT_PORT, METRICS_PORT
from embedding_operator.rendering import gateway_errors, text_template
from embedding_operator.rendering.gateway_errors import RETRY_AFTER_SECONDS, GatewayError
from embedding_operator.rendering.text_template import Literal

HEADER_LIMIT_BYTES = 16 * 1024
RESERVED_CONNECTIONS = 64
"""Connections for probes and metrics, which clients cannot take."""
HEADER_LINES = 100
SHORTEST_HEADER_BYTES = len("a:\r\n")
BUFFER_MARGIN_BYTES = 4 * HEADER_LIMIT_BYTES
"""What a buffer holds in addition to a body of maximum size: headers, their index, and room to rewrite them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """The settings of a gateway. Ports, address and folders are those of the pod, except in tests.

    A request waits at most `hold_seconds` for the first engine, then at most `queue_timeout_seconds` for its turn.
    Headers must arrive within `header_timeout_seconds`, a body within `request_timeout_seconds` after them. From
    `poke_queue_per_engine` waiting requests per engine on, HAProxy pokes the agent.
    """

    service: str
    namespace: str
    keys_required: bool = False
    queue_timeout_seconds: int = 60
    hold_seconds: int = 600
    body_limit_bytes: int = 1024**2
    poke_queue_per_engine: int = 1
    max_connections: int = 4000
    header_timeout_seconds: int = 5
    request_timeout_seconds: int = 10
    inspection_timeout_seconds: int = 4
    client_timeout_seconds: int = 30
    response_timeout_seconds: int = 300
    address: str = "0.0.0.0"  # noqa: S104 (of the pod)
    http_port: int = 8000
    metrics_port: int = METRICS_PORT
    agent_port: int = AGENT_PORT
    run_folder: str = "/run/gateway"
    config_folder: str = "/etc/gateway"

    @property
    def longest_request_seconds(self) -> int:
        """The longest that a request can take to be held, queued and computed."""
        return self.hold_seconds + self.queue_timeout_seconds + self.response_timeout_seconds

    @property
    def max_connections_per_client(self) -> int:
        """Connections that one address may have: half of them, as it may be a proxy with many clients behind it."""
        return max(1, self.max_connections // 2)

    def __post_init__(self) -> None:
        """Raise a `ValueError` that names the field if a value is invalid."""
        for field in ("service", "namespace"):
            if not re.fullmatch(DNS_LABEL, getattr(self, field)):
                message = f"{field}: {getattr(self, field)!r} is not a DNS label"
                raise ValueError(message)
        for field, least in _LEAST.items():
            if getattr(self, field) < least:
                message = f"{field}: must be at least {least}, not {getattr(self, field)}"
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class GatewayFiles:
    """The text of `haproxy.cfg` and of `gateway.lua`, which are in the same folder."""

    haproxy_cfg: str
    lua: str


_LEAST = {
    "queue_timeout_seconds": 1,
    "hold_seconds": 0,
    "body_limit_bytes": 1024,
    "poke_queue_per_engine": 1,
    "max_connections": 1,
    "header_timeout_seconds": 1,
    "request_timeout_seconds": 1,
    "inspection_timeout_seconds": 1,
    "client_timeout_seconds": 1,
    "response_timeout_seconds": 1,
    "http_port": 1,
    "metrics_port": 1,
    "agent_port": 1,
}


def gateway_config(config: GatewayConfig) -> GatewayFiles:
    """Return the files of the gateway that `config` describes."""
    text = text_template.render(
        "haproxy.cfg.j2",
        gateway=config,
        buffer_bytes=config.body_limit_bytes + BUFFER_MARGIN_BYTES,
        reserved_connections=RESERVED_CONNECTIONS,
        header_limit_bytes=HEADER_LIMIT_BYTES,
        header_lines=HEADER_LINES,
        header_count_limit=HEADER_LIMIT_BYTES // SHORTEST_HEADER_BYTES,
        answers={status: _answer(error) for status, error in gateway_errors.BY_STATUS.items()},
        headers_too_large=_answer(gateway_errors.HEADERS_TOO_LARGE),
        wrong_type=_answer(gateway_errors.WRONG_TYPE),
        unexpected_body=_answer(gateway_errors.UNEXPECTED_BODY),
        not_inspected=_answer(gateway_errors.NOT_INSPECTED),
        refused_input=_answer(gateway_errors.REFUSED_INPUT, syntax="lf-string"),
    )
    return GatewayFiles(haproxy_cfg=text, lua=text_template.source("gateway.lua"))


def _answer(error: GatewayError, *, syntax: str = "string") -> Literal:
    retry = f" hdr Retry-After {RETRY_AFTER_SECONDS}" if error.is_worth_a_retry else ""
    document = error.document()
    if "'" in document:
        message = f"an error document must not contain a single quote: {document}"
        raise ValueError(message)
    return Literal(f"status {error.status} content-type application/json {syntax} '{document}'{retry}")
