"""Specs of all cluster objects of a kind, parsed again only when one of them changed.

The parsed pools keep their identity while nothing changes, so anything derived from them can be cached just as long.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel

from embedding_operator.api.v1alpha1.base import parsed
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.domain.schedule.bounds import ClusterSchedule
from embedding_operator.kube.metadata import Body
from embedding_operator.kube.resources import GPU_POOL, SCALING_SCHEDULE
from embedding_operator.kube.store import ObjectStore

Model = TypeVar("Model", bound=BaseModel)


class Catalog:
    """The usable `GPUPool`s and `ScalingSchedule`s of the cluster."""

    def __init__(self, store: ObjectStore) -> None:
        self._pools = _Specs(GPUPoolSpec, kind=GPU_POOL.kind, store=store)
        self._schedules = _Specs(ScalingScheduleSpec, kind=SCALING_SCHEDULE.kind, store=store)

    def pools(self) -> Mapping[str, GPUPoolSpec]:
        """Return the `GPUPool`s by name. For services, a pool that cannot be read does not exist."""
        return self._pools.current()

    def schedules(self) -> Sequence[ClusterSchedule]:
        """Return the `ScalingSchedule`s."""
        return [ClusterSchedule(name=name, spec=spec) for name, spec in self._schedules.current().items()]


class _Specs(Generic[Model]):
    def __init__(self, model: type[Model], *, kind: str, store: ObjectStore) -> None:
        self._model = model
        self._kind = kind
        self._store = store
        self._sources: tuple[object, ...] = ()
        self._parsed: dict[str, Model] = {}

    def current(self) -> dict[str, Model]:
        bodies = self._store.all(self._kind)
        # A status write comes back as a new body with the same spec, so generations are compared, not bodies.
        sources = tuple((body["metadata"]["uid"], body["metadata"].get("generation")) for body in bodies)
        if sources != self._sources:
            self._sources, self._parsed = sources, self._read(bodies)
        return self._parsed

    def _read(self, bodies: Sequence[Body]) -> dict[str, Model]:
        read = {body["metadata"]["name"]: parsed(self._model, body["spec"]) for body in bodies}
        return {name: spec for name, spec in read.items() if spec is not None}
