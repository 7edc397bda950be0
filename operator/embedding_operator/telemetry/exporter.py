"""The operator's own metrics. Labels are bounded: user-created objects and fixed words, never pods.

Names begin with `embsvc_`; units are seconds and counts.
"""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

from embedding_operator.telemetry.fetch import PollFailure

DEMAND = "embsvc_demand_tokens_per_second"
"""The metric whose history the forecasts are based on."""

RECONCILE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
DECISION_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCounts:
    """The replicas of a service on one pool."""

    desired: int
    ready: int
    starting: int
    stuck: int

    def by_state(self) -> dict[str, int]:
        """Return the counts by the value of the label `state`."""
        return {"desired": self.desired, "ready": self.ready, "starting": self.starting, "stuck": self.stuck}


class Exporter:
    """All metrics, in a registry of their own."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter("embsvc_reconcile", "Reconciles by result.", ["result"], registry=self.registry)
        self._reconcile_seconds = Histogram(
            "embsvc_reconcile_duration_seconds",
            "Duration of one reconcile, including its requests.",
            buckets=RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self._decision_seconds = Histogram(
            "embsvc_decision_duration_seconds",
            "Duration of one scaling decision.",
            buckets=DECISION_BUCKETS,
            registry=self.registry,
        )
        self._queue_depth = Gauge("embsvc_queue_depth", "Objects waiting to be reconciled.", registry=self.registry)
        self._queue_age = Gauge(
            "embsvc_queue_oldest_age_seconds", "How long the oldest waiting object has waited.", registry=self.registry
        )
        self._requests = Counter(
            "embsvc_api_requests",
            "Requests to the API server by verb, resource and HTTP status (error: no answer).",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "embsvc_api_request_duration_seconds",
            "Duration of one request to the API server.",
            ["verb"],
            buckets=RECONCILE_BUCKETS,
            registry=self.registry,
        )
        self._poll_failures = Counter(
            "embsvc_poll_failures",
            "Polls of engines and gateways without a usable answer, by source and cause.",
            ["source", "cause"],
            registry=self.registry,
        )
        self._pokes = Counter(
            "embsvc_pokes",
            "Pokes from gateways by HTTP status of the answer.",
            ["code"],
            registry=self.registry,
        )
        self._events_dropped = Counter(
            "embsvc_events_dropped",
            "Kubernetes Events that were not recorded: the queue was full, or the API server refused them.",
            ["cause"],
            registry=self.registry,
        )
        self._step_errors = Counter(
            "embsvc_step_errors",
            "Unexpected errors in a periodic step, which left out one object or pod, or was repeated.",
            ["step"],
            registry=self.registry,
        )
        self._window = Gauge(
            "embsvc_schedule_active",
            "1 for the window that is open for a service; an empty window label means none.",
            ["namespace", "name", "window"],
            registry=self.registry,
        )
        self._replicas = Gauge(
            "embsvc_replicas",
            "Replicas of a service by pool and state (desired, ready, starting, stuck).",
            ["namespace", "name", "pool", "state"],
            registry=self.registry,
        )
        self._required = Gauge(
            "embsvc_required_tokens_per_second",
            "Capacity that a service should have, after smoothing and limits.",
            ["namespace", "name"],
            registry=self.registry,
        )
        self._demand = Gauge(
            DEMAND,
            "Capacity that the load of a service requires, before smoothing; forecasts are based on it.",
            ["namespace", "name"],
            registry=self.registry,
        )
        self._unmeasured = Gauge(
            "embsvc_unmeasured_seconds",
            "For how long all or part of the load of a service has not been measured; 0 if everything is.",
            ["namespace", "name"],
            registry=self.registry,
        )
        self._leader = Gauge("embsvc_leader", "1 while this process holds the Lease.", registry=self.registry)
        build = Gauge("embsvc_build_info", "Version of the operator.", ["version"], registry=self.registry)
        build.labels(version).set(1)
        ProcessCollector(registry=self.registry)
        self._exported: defaultdict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)

    def reconciled(self, result: str, *, seconds: float) -> None:
        """Count one reconcile; `result` is one of a few fixed words."""
        self._reconciles.labels(result).inc()
        self._reconcile_seconds.observe(seconds)

    def decided(self, *, seconds: float) -> None:
        """Record the duration of one decision."""
        self._decision_seconds.observe(seconds)

    def queue(self, *, depth: int, oldest_seconds: float) -> None:
        """Set how many objects are waiting, and for how long the oldest has."""
        self._queue_depth.set(depth)
        self._queue_age.set(oldest_seconds)

    def requested(self, *, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count one request to the API server."""
        self._requests.labels(verb, resource, code).inc()
        self._request_seconds.labels(verb).observe(seconds)

    def poll_failed(self, failure: PollFailure) -> None:
        """Count one poll of a pod without a usable answer."""
        self._poll_failures.labels(failure.source.value, failure.cause.value).inc()

    def poked(self, code: str) -> None:
        """Count one poke from a gateway, by the HTTP status of the answer."""
        self._pokes.labels(code).inc()

    def event_dropped(self, cause: str) -> None:
        """Count one Kubernetes Event that was not recorded."""
        self._events_dropped.labels(cause).inc()

    def step_failed(self, step: str) -> None:
        """Count one unexpected error in a step; `step` is one of a few fixed words."""
        self._step_errors.labels(step).inc()

    def leads(self, *, leader: bool) -> None:
        """Set whether this process holds the Lease."""
        self._leader.set(leader)

    def service(self, namespace: str, name: str, *, window: str | None, pools: Mapping[str, PoolCounts]) -> None:
        """Set the state of a service; series that it no longer has disappear."""
        active = (namespace, name, window or "")
        counts = {
            (namespace, name, pool, state): count
            for pool, each in pools.items()
            for state, count in each.by_state().items()
        }
        self._drop_all_but({active, *counts}, namespace=namespace, name=name)
        self._window.labels(*active).set(1)
        for labels, count in counts.items():
            self._replicas.labels(*labels).set(count)
        self._exported[namespace, name] = {active, *counts}

    def needs(self, namespace: str, name: str, *, required: float, demand: float, unmeasured_seconds: float) -> None:
        """Set the tokens per second that a service should have, and those that its load requires.

        For `unmeasured_seconds`, all of the load or part of it has not been measured.
        """
        self._unmeasured.labels(namespace, name).set(unmeasured_seconds)
        self._required.labels(namespace, name).set(required)
        self._demand.labels(namespace, name).set(demand)

    def forget(self, namespace: str, name: str) -> None:
        """Drop the metrics of a service that is gone."""
        self._drop_all_but(set(), namespace=namespace, name=name)
        self._exported.pop((namespace, name), None)
        for metric in (self._required, self._demand, self._unmeasured):
            with suppress(KeyError):
                metric.remove(namespace, name)

    def page(self) -> str:
        """Return all metrics in the Prometheus text format. May be called from any thread."""
        return generate_latest(self.registry).decode()

    def _drop_all_but(self, kept: set[tuple[str, ...]], *, namespace: str, name: str) -> None:
        for labels in self._exported.get((namespace, name), set()) - kept:
            metric = self._window if len(labels) == 3 else self._replicas  # noqa: PLR2004 - the number of its labels
            metric.remove(*labels)
