"""Report: write the status of a service, and Events about what is new in it."""

from collections.abc import Callable
from datetime import datetime

from embedding_operator.api.v1alpha1.base import parsed
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus, ModelStatus
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.gateway_routing import GatewayReadiness
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.model.resolution import resolve_model
from embedding_operator.domain.status.conditions import Conditions
from embedding_operator.domain.status.events import announcements
from embedding_operator.domain.status.memory_codec import remembered
from embedding_operator.domain.status.report import StallCause, StatusInput, stalled_status, status_of
from embedding_operator.kube.events import EventRecorder, Occurrence, Regarding
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.scalers import Scalers
from embedding_operator.kube.status import StatusWriter
from embedding_operator.reconcile.pipeline.observe import Observed


class Reporter:
    """Writes statuses and Events. `other_scalers` is what the last sweep found."""

    def __init__(self, statuses: StatusWriter, *, events: EventRecorder, now: Callable[[], datetime]) -> None:
        self._statuses = statuses
        self._events = events
        self._now = now
        self.other_scalers: Scalers = {}

    async def report(
        self,
        observed: Observed,
        decision: Decision,
        *,
        stall_cause: StallCause | None,
        gateway_readiness: GatewayReadiness,
        address: str | None,
        previous: EmbeddingServiceStatus,
    ) -> None:
        """Report what was decided, what prevents it, and which route requests take."""
        service = observed.service
        scalers = self.other_scalers.get((service.namespace, service.name), ())
        given = StatusInput(
            generation=service.generation,
            url=f"http://{service.name}.{service.namespace}.svc",
            model=_model(observed),
            capacity_sources={pool: capacity.source for pool, capacity in observed.capacities.items()},
            gateway_readiness=gateway_readiness,
            stall_cause=stall_cause,
            other_scaler=", ".join(scalers) or None,
            address=address,
        )
        status = status_of(observed.observation, decision, given=given, previous=previous)
        await self._write(service, status, previous=previous)

    async def stall(self, service: ServiceObject, stall_cause: StallCause, *, previous: EmbeddingServiceStatus) -> None:
        """Report why the current spec is not acted on."""
        conditions = Conditions(previous.conditions, generation=service.generation, now=self._now())
        status = stalled_status(stall_cause, previous=previous, conditions=conditions, generation=service.generation)
        await self._write(service, status, previous=previous)

    def forget(self, uid: str) -> None:
        """Drop what is remembered about a service that is gone."""
        self._statuses.forget(uid)

    async def _write(
        self, service: ServiceObject, status: EmbeddingServiceStatus, *, previous: EmbeddingServiceStatus
    ) -> None:
        place = {"namespace": service.namespace, "name": service.name}
        document = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        await self._statuses.write(EMBEDDING_SERVICE, **place, status=document, now=self._now())
        regarding = Regarding(resource=EMBEDDING_SERVICE, **place, uid=service.uid)
        for each in announcements(previous, status):
            self._events.record(
                Occurrence(regarding=regarding, type=each.type, reason=each.reason, action="Reconcile", note=each.note)
            )


def parsed_status(service: ServiceObject) -> EmbeddingServiceStatus:
    """Return the status of a service; one that cannot be read counts as empty and will be rebuilt."""
    return parsed(EmbeddingServiceStatus, service.status) or EmbeddingServiceStatus()


def last_memory(status: EmbeddingServiceStatus) -> ScalingMemory | None:
    """Return the scaling memory in a status, None if there is none."""
    if status.decision is None or status.decision.memory is None:
        return None
    return remembered(status.decision.memory)


def _model(observed: Observed) -> ModelStatus:
    model = resolve_model(observed.service.name, observed.prepared.spec, observed.prepared.pools)
    return ModelStatus(
        revision=model.revision,
        dtype=model.dtype,
        architecture=model.architecture,
        dimensions=list(model.dimensions),
    )
