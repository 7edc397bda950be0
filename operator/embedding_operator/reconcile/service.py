"""Reconcile one EmbeddingService: observe, decide, render, apply, report."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus, ModelStatus
from embedding_operator.domain.admission import Problem, problems
from embedding_operator.domain.announcements import announcements
from embedding_operator.domain.capacity import Capacity, replica_capacity
from embedding_operator.domain.conditions import Conditions
from embedding_operator.domain.decision import Decision, PoolTarget
from embedding_operator.domain.handover import takes_over
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.metrics import measure
from embedding_operator.domain.observation import Bounds, Observation, Policy
from embedding_operator.domain.report import Obstacle, Surroundings, stalled_status, status_of
from embedding_operator.domain.resolution import resolve_model
from embedding_operator.domain.scaling import decide
from embedding_operator.domain.schedule import bounds_in_force
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.events import EventRecorder, Occurrence, Regarding
from embedding_operator.kube.reader import PoolObject, Reader, ServiceObject
from embedding_operator.kube.resources import DEPLOYMENT, EMBEDDING_SERVICE
from embedding_operator.kube.status import StatusWriter
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.kube.writer import ChildWriter, Outcome
from embedding_operator.reconcile.catalog import Catalog
from embedding_operator.reconcile.parity import Candidate, ParityBook
from embedding_operator.reconcile.scene import (
    LEAD_SECONDS,
    Refused,
    last_memory,
    observed_pools,
    parsed_spec,
    parsed_status,
    selecting,
)
from embedding_operator.rendering import names
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.renderer import EngineDefaults, ServiceRef, render_service
from embedding_operator.telemetry.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What one reconcile of a service looks at, beside the observation that the decision gets."""

    service: ServiceObject
    prepared: "_Prepared"
    objects: tuple[PoolObject, ...]
    capacities: Mapping[str, Capacity]
    observation: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Everything that the reconciler works with; made once in `__main__`."""

    store: ObjectStore
    catalog: Catalog
    reader: Reader
    children: ChildWriter
    statuses: StatusWriter
    events: EventRecorder
    history: History[str]
    parity: ParityBook
    engine: EngineDefaults
    now: Callable[[], datetime]
    again: Callable[[ObjectKey], None]
    decided: Callable[[ServiceObject, Observation, Decision, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """What depends only on a spec and the GPUPools, kept while both stay the same."""

    generation: int
    pools: Mapping[str, GPUPoolSpec]
    spec: EmbeddingServiceSpec
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    """The children of a service, kept while what they are made of stays the same."""

    prepared: _Prepared
    replicas: Mapping[str, int]
    manifests: tuple[Manifest, ...]


class ServiceReconciler:
    """Reconciles services by key; keeps the scaling memory that is newer than the one in the status."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._memory: dict[str, ScalingMemory] = {}
        self._vector_spaces: dict[str, str] = {}
        self._prepared: dict[str, _Prepared] = {}
        self._rendered: dict[str, _Rendered] = {}
        self.other_scalers: Mapping[tuple[str, str], tuple[str, ...]] = {}

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring one service towards what it should be; return the seconds after which the clock alone changes it."""
        service = self._tools.reader.service(key.namespace, key.name)
        if service is None or service.deleting:
            return None
        previous = parsed_status(service)
        prepared = self._prepare(service)
        if isinstance(prepared, Refused):
            refused = Obstacle(reason=Reason.INVALID_SPEC, message=prepared.message)
            await self._stall(service, refused, previous=previous)
            return None
        scene = self._scene(service, prepared, previous=previous)
        blocking = next(
            (each for each in scene.prepared.problems if each.reason is not Reason.GPU_POOL_NOT_FOUND), None
        )
        if blocking is not None or not _has_a_place(scene.observation):
            await self._stall(service, _described(scene.prepared.problems), previous=previous)
            return None
        begun = time.perf_counter()
        decision = decide(scene.observation)
        self._tools.decided(service, scene.observation, decision, time.perf_counter() - begun)
        self._memory[service.uid] = decision.memory
        self._ask_for_parity(scene, decision)
        obstacle = await self._apply(scene, decision) or _obstacle_or_none(scene.prepared.problems)
        await self._report(scene, decision, obstacle=obstacle, previous=previous)
        return decision.requeue_after

    def forget_all_but(self, uids: Collection[str]) -> None:
        """Drop what is remembered of services that are gone."""
        for uid in self._memory.keys() - set(uids):
            del self._memory[uid]
            for kept in (self._vector_spaces, self._prepared, self._rendered):
                kept.pop(uid, None)
            self._tools.children.forget(uid)
            self._tools.statuses.forget(uid)
            self._tools.history.forget(uid)
        self._tools.parity.forget(self._vector_spaces.values())

    def _prepare(self, service: ServiceObject) -> _Prepared | Refused:
        pools = self._tools.catalog.pools()
        known = self._prepared.get(service.uid)
        if known is not None and known.generation == service.generation and known.pools is pools:
            return known
        spec = parsed_spec(service)
        if isinstance(spec, Refused):
            return spec
        prepared = _Prepared(
            generation=service.generation, pools=pools, spec=spec, problems=problems(spec, pools=pools)
        )
        self._prepared[service.uid] = prepared
        return prepared

    def _render(self, scene: Scene, *, replicas: Mapping[str, int]) -> tuple[Manifest, ...]:
        service, prepared = scene.service, scene.prepared
        known = self._rendered.get(service.uid)
        if known is not None and known.prepared is prepared and known.replicas == replicas:
            return known.manifests
        manifests = render_service(
            ServiceRef(namespace=service.namespace, name=service.name, uid=service.uid),
            prepared.spec,
            pools=prepared.pools,
            replicas=replicas,
            settings=self._tools.engine,
        )
        self._rendered[service.uid] = _Rendered(prepared=prepared, replicas=replicas, manifests=manifests)
        return manifests

    def _scene(self, service: ServiceObject, prepared: _Prepared, *, previous: EmbeddingServiceStatus) -> Scene:
        tools, now = self._tools, self._tools.now()
        spec, pools = prepared.spec, prepared.pools
        objects = tools.reader.pools(service, now=now, lead_seconds=lambda _: LEAD_SECONDS)
        schedules = selecting(tools.catalog.schedules(), service=service, store=tools.store)
        bounds = _usable(bounds_in_force(spec, cluster=schedules, now=now), pools=pools)
        capacities = _capacities(spec, objects=objects, pools=pools)
        pods = [pod for each in objects for pod in each.pods]
        series = tools.history.series(service.uid)
        ready = [pod.replica.uid for pod in pods if pod.replica.ready_since is not None]
        observed = observed_pools(
            spec,
            objects=objects,
            capacities=capacities,
            parities=tools.parity.parities(_vector_space(service, spec)),
            in_flight={uid: samples[-1].in_flight or 0.0 for uid, samples in series.items() if samples},
        )
        return Scene(
            service=service,
            prepared=prepared,
            objects=objects,
            capacities=capacities,
            observation=Observation(
                now=now,
                policy=Policy.of(spec.scaling),
                bounds=bounds,
                pools=observed,
                load=measure(series, ready=ready, now=now),
                memory=self._memory.get(service.uid) or last_memory(previous),
            ),
        )

    def _ask_for_parity(self, scene: Scene, decision: Decision) -> None:
        """Compare the vectors of the pools, but only while one takes over from another."""
        goal = {target.pool: target.goal for target in decision.targets}
        if not takes_over(scene.observation.pools, goal=goal):
            return
        candidates = [
            Candidate(
                uid=pod.replica.uid,
                endpoint=pod.endpoint,
                age=(scene.observation.now - pod.replica.ready_since).total_seconds(),
            )
            for each in scene.objects
            for pod in each.pods
            if pod.endpoint is not None and pod.replica.ready_since is not None
        ]
        key = ObjectKey(EMBEDDING_SERVICE.kind, scene.service.namespace, scene.service.name)
        space = self._vector_spaces[scene.service.uid] = _vector_space(scene.service, scene.prepared.spec)
        self._tools.parity.ask(space, candidates, answered=lambda: self._tools.again(key))

    async def _apply(self, scene: Scene, decision: Decision) -> Obstacle | None:
        """Write the children; return what the cluster holds against it."""
        service, tools = scene.service, self._tools
        replicas = _replicas(scene.observation, decision)
        manifests = self._render(scene, replicas=replicas)
        keep = {ObjectKey(manifest.kind, manifest.namespace, manifest.name) for manifest in manifests}
        keep |= _deployments_to_keep(scene, decision)
        obstacle: Obstacle | None = None
        try:
            if decision.write:
                victims = {name for target in decision.targets for name in target.victims}
                await tools.children.mark_victims(service, names=victims)
            for manifest in manifests:
                applied = await tools.children.apply(manifest, owner=service)
                if applied.outcome is Outcome.NAME_CONFLICT:
                    obstacle = Obstacle(reason=Reason.NAME_CONFLICT, message=applied.message)
            await tools.children.prune(service, keep=keep)
        except Unavailable as error:
            if error.reason is None:
                raise
            return Obstacle(reason=error.reason, message=error.message)
        return obstacle or _refusal(scene.objects)

    async def _report(
        self, scene: Scene, decision: Decision, *, obstacle: Obstacle | None, previous: EmbeddingServiceStatus
    ) -> None:
        service = scene.service
        model = resolve_model(service.name, scene.prepared.spec, scene.prepared.pools)
        scalers = self.other_scalers.get((service.namespace, service.name), ())
        around = Surroundings(
            generation=service.generation,
            url=f"http://{service.name}.{service.namespace}.svc",
            model=ModelStatus(
                revision=model.revision,
                dtype=model.dtype,
                architecture=model.architecture,
                dimensions=list(model.dimensions),
            ),
            capacity_sources={pool: capacity.source for pool, capacity in scene.capacities.items()},
            obstacle=obstacle,
            other_scaler=", ".join(scalers) or None,
        )
        status = status_of(scene.observation, decision, around=around, previous=previous)
        await self._write_status(service, status, previous=previous)

    async def _stall(self, service: ServiceObject, obstacle: Obstacle, *, previous: EmbeddingServiceStatus) -> None:
        now = self._tools.now()
        conditions = Conditions(previous.conditions, generation=service.generation, now=now)
        status = stalled_status(obstacle, previous=previous, conditions=conditions, generation=service.generation)
        await self._write_status(service, status, previous=previous)

    async def _write_status(
        self, service: ServiceObject, status: EmbeddingServiceStatus, *, previous: EmbeddingServiceStatus
    ) -> None:
        tools = self._tools
        document = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        await tools.statuses.write(
            EMBEDDING_SERVICE, namespace=service.namespace, name=service.name, status=document, now=tools.now()
        )
        regarding = Regarding(
            resource=EMBEDDING_SERVICE, namespace=service.namespace, name=service.name, uid=service.uid
        )
        for each in announcements(previous, status):
            tools.events.record(
                Occurrence(regarding=regarding, type=each.type, reason=each.reason, action="Reconcile", note=each.note)
            )


def _has_a_place(observation: Observation) -> bool:
    """Return whether replicas may run anywhere; where they may not, what serves now would leave for nothing."""
    return bool(observation.pools) and (observation.bounds.asleep or bool(observation.bounds.pools))


def _usable(bounds: Bounds, *, pools: Mapping[str, GPUPoolSpec]) -> Bounds:
    """Return `bounds` without pools that have no GPUPool: what runs on them stays, nothing is asked of them."""
    return replace(bounds, pools=tuple(allowance for allowance in bounds.pools if allowance.pool in pools))


def _capacities(
    spec: EmbeddingServiceSpec, *, objects: tuple[PoolObject, ...], pools: Mapping[str, GPUPoolSpec]
) -> dict[str, Capacity]:
    listed = [entry.gpu_pool for entry in spec.pools if entry.gpu_pool in pools]
    held = [each.pool for each in objects if each.pool not in listed]
    return {pool: replica_capacity(spec, pool=pool, gpu=pools.get(pool)) for pool in (*listed, *held)}


def _vector_space(service: ServiceObject, spec: EmbeddingServiceSpec) -> str:
    """Return a key that changes with everything that may change the vectors of a service."""
    return f"{service.uid}/{spec.model.model_dump_json()}"


def _replicas(observation: Observation, decision: Decision) -> dict[str, int]:
    """Return what to write: what was decided, or what is there where decisions are only reported."""
    if decision.write:
        return {target.pool: target.replicas for target in decision.targets}
    return {pool.name: pool.replicas for pool in observation.pools}


def _deployments_to_keep(scene: Scene, decision: Decision) -> set[ObjectKey]:
    """Return Deployments that are not rendered but serve: their pool left the spec, or has no GPUPool."""
    targets: dict[str, PoolTarget] = {target.pool: target for target in decision.targets}
    listed = {entry.gpu_pool for entry in scene.prepared.spec.pools}
    return {
        ObjectKey(DEPLOYMENT.kind, scene.service.namespace, names.deployment_name(scene.service.name, pool=each.pool))
        for each in scene.objects
        if each.pool in listed or not decision.write or targets[each.pool].replicas > 0
    }


def _refusal(objects: tuple[PoolObject, ...]) -> Obstacle | None:
    """Return what a quota or an admission check says about the pods of a Deployment."""
    refusal = next((each.refusal for each in objects if each.refusal is not None), None)
    if refusal is None or refusal.reason is None:
        return None
    return Obstacle(reason=refusal.reason, message=refusal.message)


def _described(problems: tuple[Problem, ...]) -> Obstacle:
    first = next(each for each in problems)
    return Obstacle(reason=first.reason, message="; ".join(f"{each.field}: {each.message}" for each in problems))


def _obstacle_or_none(problems: tuple[Problem, ...]) -> Obstacle | None:
    return _described(problems) if problems else None
