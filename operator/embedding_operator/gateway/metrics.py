"""The agent's metrics about itself; HAProxy exports those about requests."""

from collections import Counter as Tally
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SENT, FAILED = "sent", "failed"


class Metrics:
    """The agent's own metrics."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._endpoints = Gauge(
            "embedding_gateway_endpoints", "Engine pods by phase", labelnames=["phase"], registry=self._registry
        )
        self._errors = Counter(
            "embedding_gateway_errors",
            "Failures by kind: sync with HAProxy, watch of engines, reading of keys, keeping of the members",
            labelnames=["of"],
            registry=self._registry,
        )
        self._outliers = Gauge(
            "embedding_gateway_outliers",
            "Engine pods that get no requests because they answer with errors while others do not",
            registry=self._registry,
        )
        self._unusable_keys = Gauge(
            "embedding_gateway_unusable_keys",
            "Entries of the API key Secret that no client can send: their clients are refused",
            registry=self._registry,
        )
        self._pokes = Counter(
            "embedding_gateway_pokes",
            "Pokes of the operator, by outcome",
            labelnames=["outcome"],
            registry=self._registry,
        )
        for of in ("sync", "watch", "keys", "members"):
            self._errors.labels(of)
        for outcome in (SENT, FAILED):
            self._pokes.labels(outcome)
        self.endpoints(())

    def endpoints(self, endpoints: Iterable[Endpoint]) -> None:
        """Set the current engine endpoints."""
        counted = Tally(endpoint.phase for endpoint in endpoints)
        for phase in EndpointPhase:
            self._endpoints.labels(phase.value).set(counted[phase])

    def outliers(self, count: int) -> None:
        """Set how many engines get no requests because of their answers."""
        self._outliers.set(count)

    def unusable_keys(self, count: int) -> None:
        """Set how many entries of the Secret cannot be used as a key."""
        self._unusable_keys.set(count)

    def failed(self, of: str) -> None:
        """Count one failure of `sync`, `watch`, `keys` or `members`."""
        self._errors.labels(of).inc()

    def poke(self, outcome: str) -> None:
        """Count one poke that was `SENT` or `FAILED`."""
        self._pokes.labels(outcome).inc()

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)
