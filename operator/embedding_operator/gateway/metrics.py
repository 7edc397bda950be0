"""What the agent tells about itself; what it tells about requests is HAProxy's part."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from embedding_operator.gateway.endpoints import Member, Phase

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SENT, FAILED = "sent", "failed"


class Metrics:
    """The agent's own figures."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._members = Gauge(
            "embedding_gateway_members", "Engine pods by phase", labelnames=["phase"], registry=self._registry
        )
        self._errors = Counter(
            "embedding_gateway_errors",
            "What failed: sync with HAProxy, watch of the engines, keys of the Secret",
            labelnames=["of"],
            registry=self._registry,
        )
        self._attentions = Counter(
            "embedding_gateway_attentions",
            "Notices to the operator, by outcome",
            labelnames=["outcome"],
            registry=self._registry,
        )
        for of in ("sync", "watch", "keys"):
            self._errors.labels(of)
        for outcome in (SENT, FAILED):
            self._attentions.labels(outcome)
        self.members(())

    def members(self, members: Iterable[Member]) -> None:
        """Take over which members there are."""
        counted = Tally(member.phase for member in members)
        for phase in Phase:
            self._members.labels(phase.value).set(counted[phase])

    def failed(self, of: str) -> None:
        """Count one failure of `sync`, `watch` or `keys`."""
        self._errors.labels(of).inc()

    def attention(self, outcome: str) -> None:
        """Count one notice that was `SENT` or `FAILED`."""
        self._attentions.labels(outcome).inc()

    def exposition(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self._registry)
