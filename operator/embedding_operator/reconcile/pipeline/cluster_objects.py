"""Reconcile what cluster admins write: a GPUPool or a ScalingSchedule needs only a correct status."""

from collections.abc import Callable, Iterable
from datetime import datetime

from pydantic import BaseModel

from embedding_operator.api.v1alpha1.base import parsed
from embedding_operator.api.v1alpha1.conditions import Condition
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec, GPUPoolStatus
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec, ScalingScheduleStatus
from embedding_operator.domain.status.cluster_objects import Node, Usage, gpu_pool_status, scaling_schedule_status
from embedding_operator.kube.metadata import Body, service_of
from embedding_operator.kube.resources import (
    DEPLOYMENT,
    EMBEDDING_SERVICE,
    GPU_POOL,
    NODE,
    SCALING_SCHEDULE,
    Resource,
)
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.rendering import names


class ClusterObjectReconciler:
    """Keeps the status of GPUPools and ScalingSchedules up to date."""

    def __init__(self, *, store: ObjectStore, statuses: StatusWriter, now: Callable[[], datetime]) -> None:
        self._store = store
        self._statuses = statuses
        self._now = now

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Write the status of one object if it changed; return the seconds until the clock alone changes it."""
        body = self._store.get(*key)
        if body is None:
            return None
        return await (self._pool(body) if key.kind == GPU_POOL.kind else self._schedule(body))

    async def _pool(self, body: Body) -> None:
        spec = parsed(GPUPoolSpec, body["spec"])
        if spec is None:
            return
        status = gpu_pool_status(
            spec,
            nodes=tuple(_nodes(self._store.all(NODE.kind))),
            usage=tuple(_usage(self._store.all(DEPLOYMENT.kind), pool=body["metadata"]["name"])),
            previous=_conditions(GPUPoolStatus, body),
            generation=body["metadata"]["generation"],
            now=self._now(),
        )
        await self._write(GPU_POOL, body, status)

    async def _schedule(self, body: Body) -> float | None:
        spec = parsed(ScalingScheduleSpec, body["spec"])
        if spec is None:
            return None
        now = self._now()
        status = scaling_schedule_status(
            spec,
            services=self._bound(body["metadata"]["name"]),
            previous=_conditions(ScalingScheduleStatus, body),
            generation=body["metadata"]["generation"],
            now=now,
        )
        await self._write(SCALING_SCHEDULE, body, status)
        return None if status.next_transition is None else (status.next_transition - now).total_seconds()

    def _bound(self, schedule: str) -> int:
        """Return for how many services the schedule is in force, according to their own status."""
        sources = (
            ((body.get("status") or {}).get("schedule") or {}).get("source")
            for body in self._store.all(EMBEDDING_SERVICE.kind)
        )
        return sum(1 for source in sources if source == f"{SCALING_SCHEDULE.kind}/{schedule}")

    async def _write(self, resource: Resource, body: Body, status: BaseModel) -> None:
        document = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        name = body["metadata"]["name"]
        await self._statuses.write(resource, namespace="", name=name, status=document, now=self._now())


def _conditions(model: type[GPUPoolStatus | ScalingScheduleStatus], body: Body) -> list[Condition]:
    status = parsed(model, body.get("status") or {})
    return [] if status is None else status.conditions


def _nodes(bodies: Iterable[Body]) -> Iterable[Node]:
    for body in bodies:
        if not body["spec"].get("unschedulable"):
            allocatable = body["status"].get("allocatable") or {}
            yield Node(
                labels=body["metadata"].get("labels") or {},
                allocatable={name: int(count) for name, count in allocatable.items() if str(count).isdecimal()},
            )


def _usage(bodies: Iterable[Body], *, pool: str) -> Iterable[Usage]:
    for body in bodies:
        metadata = body["metadata"]
        if metadata["labels"].get(names.GPU_POOL) == pool:
            service = f"{metadata['namespace']}/{service_of(body)}"
            yield Usage(service=service, replicas=body["spec"].get("replicas", 1))
