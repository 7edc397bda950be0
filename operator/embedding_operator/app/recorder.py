"""What the operator reports outside the API: its metrics, and a log line for each allocation."""

from collections.abc import Iterable

import structlog

from embedding_operator.domain.decision import Decision, StepReason
from embedding_operator.kube.client import Answered
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.reconcile.pipeline.observe import Observed
from embedding_operator.telemetry.exporter import Exporter, PoolCounts

_log = structlog.get_logger(__name__)


class Recorder:
    """Records requests, reconciles and decisions, and tracks which services have metrics."""

    def __init__(self, exporter: Exporter) -> None:
        self.exporter = exporter
        self._exported: set[tuple[str, str]] = set()

    def requested(self, answered: Answered) -> None:
        """Record one request to the API server."""
        self.exporter.requested(
            verb=answered.verb, resource=answered.resource, code=answered.code, seconds=answered.seconds
        )

    def reconciled(self, result: str, seconds: float) -> None:
        """Record one reconcile; `result` is one of a few fixed words."""
        self.exporter.reconciled(result, seconds=seconds)

    def decided(self, observed: Observed, decision: Decision, seconds: float) -> None:
        """Record the decision for a service, and how long it took."""
        service = observed.service
        self.exporter.decided(seconds=seconds)
        buckets = decision.memory.buckets
        self.exporter.needs(
            service.namespace,
            service.name,
            required=decision.required,
            demand=buckets[-1].peak if buckets else decision.required,
            unmeasured_seconds=_unmeasured_seconds(decision),
        )
        self.exporter.service(
            service.namespace,
            service.name,
            window=observed.observation.bounds.window,
            pools={
                target.pool: PoolCounts(
                    desired=target.replicas, ready=target.ready, starting=target.starting, stuck=target.stuck
                )
                for target in decision.targets
            },
        )
        if StepReason.ALLOCATED in decision.reasons():
            _log.info(
                "decided",
                namespace=service.namespace,
                name=service.name,
                uid=service.uid,
                generation=service.generation,
                required=decision.required,
                steps=[f"{step.reason}: {step.message}" for step in decision.steps],
            )

    def forget_all_but(self, services: Iterable[ServiceObject]) -> None:
        """Drop the metrics of services that are gone."""
        present = {(service.namespace, service.name) for service in services}
        for namespace, name in self._exported - present:
            self.exporter.forget(namespace, name)
        self._exported = present


def _unmeasured_seconds(decision: Decision) -> float:
    since = [moment for moment in (decision.memory.blind_since, decision.memory.gap_since) if moment is not None]
    return max(((decision.at - moment).total_seconds() for moment in since), default=0.0)
