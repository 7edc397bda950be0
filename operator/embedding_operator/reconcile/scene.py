"""Observe: everything that one reconcile of a service looks at, gathered from the store and from telemetry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus
from embedding_operator.domain.capacity import Capacity
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Parity, Pool, Replica
from embedding_operator.domain.persistence import remembered
from embedding_operator.domain.schedule import ClusterSchedule, selects
from embedding_operator.kube.reader import PoolObject, ServiceObject
from embedding_operator.kube.resources import NAMESPACE
from embedding_operator.kube.store import ObjectStore

LEAD_SECONDS = 300.0
"""How long a start is expected to take until starts are learned; a pod that takes twice as long is stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A stored object that does not fit the models of this version of the operator."""

    message: str


def parsed_spec(service: ServiceObject) -> EmbeddingServiceSpec | Refused:
    """Return the spec of a service, or the fields that are wrong in it and why."""
    try:
        return EmbeddingServiceSpec.model_validate(service.spec)
    except ValidationError as error:
        return Refused(message=_sentence(error))


def parsed_status(service: ServiceObject) -> EmbeddingServiceStatus:
    """Return the status of a service; one that can not be read counts as none and will be built anew."""
    try:
        return EmbeddingServiceStatus.model_validate(service.status)
    except ValidationError:
        return EmbeddingServiceStatus()


def _sentence(error: ValidationError) -> str:
    problems = (
        f"spec.{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)
    )
    return "; ".join(problems)


def selecting(
    schedules: Sequence[ClusterSchedule], *, service: ServiceObject, store: ObjectStore
) -> tuple[ClusterSchedule, ...]:
    """Return the schedules that select `service`."""
    namespace = store.get(NAMESPACE.kind, "", service.namespace)
    labels: Mapping[str, str] = {} if namespace is None else namespace["metadata"].get("labels") or {}
    return tuple(
        schedule
        for schedule in schedules
        if selects(schedule.spec, service_labels=service.labels, namespace_labels=labels)
    )


def last_memory(status: EmbeddingServiceStatus) -> ScalingMemory | None:
    """Return the scaling memory that a status holds."""
    if status.decision is None or status.decision.memory is None:
        return None
    return remembered(status.decision.memory)


def observed_pools(
    spec: EmbeddingServiceSpec,
    *,
    objects: Sequence[PoolObject],
    capacities: Mapping[str, Capacity],
    parities: Mapping[str, Parity],
    in_flight: Mapping[str, float],
) -> tuple[Pool, ...]:
    """Return every pool that the service lists or still holds replicas on.

    `parities` and `in_flight` are by pod UID.
    """
    known = {each.pool: each for each in objects}
    listed = [pool.gpu_pool for pool in spec.pools]
    left = [each.pool for each in objects if each.pool not in listed and (each.replicas or each.pods)]
    return tuple(
        Pool(
            name=name,
            replicas=known[name].replicas if name in known else 0,
            tokens_per_second=capacities[name].tokens_per_second,
            pods=tuple(_with_telemetry(pod.replica, parities=parities, in_flight=in_flight) for pod in known[name].pods)
            if name in known
            else (),
        )
        for name in (*listed, *left)
        if name in capacities
    )


def _with_telemetry(pod: Replica, *, parities: Mapping[str, Parity], in_flight: Mapping[str, float]) -> Replica:
    return replace(pod, parity=parities.get(pod.uid, Parity.UNKNOWN), in_flight=in_flight.get(pod.uid, 0.0))
