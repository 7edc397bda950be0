"""Observe: everything that one reconcile of a service considers, gathered from the store and from telemetry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.domain.capacity.estimate import Capacity, replica_capacity
from embedding_operator.domain.capacity.startup_time import allowed_startup_seconds
from embedding_operator.domain.capacity.throughput import work_since
from embedding_operator.domain.gateway_routing import RoutePhase
from embedding_operator.domain.load.engine_load import EngineSample, measure, recent_tokens_per_request
from embedding_operator.domain.load.gateway_load import (
    GatewaySample,
    in_flight_by_engine,
    joined,
    listen,
    without_engines,
)
from embedding_operator.domain.load.lost_replicas import lost_replicas
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import (
    Bounds,
    GatewayLoad,
    Load,
    Observation,
    Parity,
    Pool,
    Replica,
    ScalingPolicy,
    TriggerReading,
    WorkSample,
)
from embedding_operator.domain.schedule.bounds import ClusterSchedule, bounds_in_force, selects
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import PodObject, PoolObject, Reader, ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE, NAMESPACE
from embedding_operator.kube.store import ObjectKey, ObjectStore
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.validate import Prepared
from embedding_operator.telemetry.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one reconcile of a service considers, including the observation that the decision gets."""

    service: ServiceObject
    prepared: Prepared
    objects: tuple[PoolObject, ...]
    capacities: Mapping[str, Capacity]
    observation: Observation

    @property
    def has_a_place(self) -> bool:
        """Whether replicas may run anywhere; if not, removing what serves now would leave nothing in its place."""
        bounds = self.observation.bounds
        return bool(self.observation.pools) and (bounds.asleep or bool(bounds.pools))


def unread(_: str, triggers: Sequence[Trigger]) -> tuple[TriggerReading, ...]:
    """Return empty readings for triggers that are not queried."""
    return tuple(TriggerReading(name=trigger.name, threshold=trigger.threshold) for trigger in triggers)


def never(_: ObjectKey) -> None:
    """Return None: no gateway pokes."""


def unknown(_: str, __: Bounds) -> float | None:
    """Return None: there is no history to forecast from."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Observes services without any request to the cluster.

    `engines` and `gateways` are the samples of the pods, by UID of the service. `read_triggers` returns the last
    readings of external queues, `forecast` what a service with this UID is expected to need at its next transition, and
    `poked_at` when the gateway of a service last poked.
    """

    store: ObjectStore
    catalog: Catalog
    reader: Reader
    engines: History[str, EngineSample]
    gateways: History[str, GatewaySample]
    now: Callable[[], datetime]
    read_triggers: Callable[[str, Sequence[Trigger]], tuple[TriggerReading, ...]] = unread
    forecast: Callable[[str, Bounds], float | None] = unknown
    poked_at: Callable[[ObjectKey], datetime | None] = never

    def observed(
        self,
        service: ServiceObject,
        prepared: Prepared,
        *,
        parities: Mapping[str, Parity],
        memory: ScalingMemory | None,
    ) -> Observed:
        """Return what is known about `service` now; `parities` are by pod UID."""
        now, spec, pools = self.now(), prepared.spec, prepared.pools
        learned = () if memory is None else memory.learned
        objects = self.reader.pools(
            service, now=now, startup_seconds=lambda pool: allowed_startup_seconds(learned, pool=pool)
        )
        schedules = selecting(self.catalog.schedules(), service=service, store=self.store)
        capacities = _capacities(spec, objects=objects, pools=pools)
        objects = self._without_lost(service, objects, now=now)
        replicas = [pod.replica for each in objects for pod in each.pods]
        observed = observed_pools(
            spec,
            objects=objects,
            capacities=capacities,
            prices=_prices(pools),
            parities=parities,
            in_flight=self._in_flight(service, replicas),
            work=work_since(None if memory is None else memory.at, series=self.engines.series(service.uid), now=now),
        )
        gateway = self._gateway(service, spec, now=now)
        bounds = _usable(bounds_in_force(spec, cluster=schedules, now=now), pools=pools)
        observation = Observation(
            now=now,
            policy=ScalingPolicy.of(
                spec.scaling, allocation=spec.allocation, patience_seconds=float(spec.gateway.queue_timeout_seconds)
            ),
            bounds=bounds,
            pools=observed,
            load=_with_unseen(self._load(service, replicas, gateway=gateway, now=now), objects),
            gateway=gateway,
            triggers=self.read_triggers(service.namespace, spec.scaling.triggers),
            forecast_tokens_per_second=self.forecast(service.uid, bounds),
            poked_at=self.poked_at(ObjectKey(EMBEDDING_SERVICE.kind, service.namespace, service.name)),
            memory=memory,
        )
        return Observed(
            service=service, prepared=prepared, objects=objects, capacities=capacities, observation=observation
        )

    def forget(self, uid: str) -> None:
        """Drop the samples of a service that is gone."""
        self.engines.forget(uid)
        self.gateways.forget(uid)

    def _gateway(self, service: ServiceObject, spec: EmbeddingServiceSpec, *, now: datetime) -> GatewayLoad | None:
        """Return the gateway's load; None if requests do not go through it, or soon will not."""
        state = Gateways(store=self.store, reader=self.reader).state(service)
        if not spec.gateway.enabled or state is None or state.phase is RoutePhase.ENGINES:
            return None
        pods = [pod for pod in self.reader.gateway_pods(service, now=now) if pod.endpoint is not None]
        heard = listen(
            self.gateways.series(service.uid),
            present=[pod.uid for pod in pods],
            ready=[pod.uid for pod in pods if pod.is_ready],
            now=now,
        )
        return replace(heard, holds=spec.gateway.hold_seconds > 0)

    def _load(
        self, service: ServiceObject, replicas: Sequence[Replica], *, gateway: GatewayLoad | None, now: datetime
    ) -> Load | None:
        series = self.engines.series(service.uid)
        ready = [each.uid for each in replicas if each.ready_since is not None]
        engines = measure(series, ready=ready, now=now)
        if gateway is None:
            return engines
        if engines is None:
            length = recent_tokens_per_request(series, now=now)
            return without_engines(gateway, tokens_per_request=length, expected=len(ready))
        return joined(engines, gateway)

    def _without_lost(
        self, service: ServiceObject, objects: Sequence[PoolObject], *, now: datetime
    ) -> tuple[PoolObject, ...]:
        """Return the pools with replicas that are lost as not Ready and unable to start."""
        lost = lost_replicas(
            [pod.replica for each in objects for pod in each.pods],
            engines=self.engines.series(service.uid),
            gateways=self.gateways.series(service.uid),
            now=now,
        )
        return tuple(
            replace(each, pods=tuple(_lost(pod) if pod.replica.uid in lost else pod for pod in each.pods))
            if lost
            else each
            for each in objects
        )

    def _in_flight(self, service: ServiceObject, replicas: Sequence[Replica]) -> dict[str, float]:
        """Return the requests in flight by pod UID: the larger of what the engines and the gateway report."""
        by_engines = {uid: samples[-1].in_flight or 0.0 for uid, samples in self.engines.series(service.uid).items()}
        by_gateways = in_flight_by_engine([each[-1] for each in self.gateways.series(service.uid).values()])
        return {each.uid: max(by_engines.get(each.uid, 0.0), by_gateways.get(each.name, 0.0)) for each in replicas}


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


def observed_pools(
    spec: EmbeddingServiceSpec,
    *,
    objects: Sequence[PoolObject],
    capacities: Mapping[str, Capacity],
    prices: Mapping[str, float],
    parities: Mapping[str, Parity],
    in_flight: Mapping[str, float],
    work: Mapping[str, tuple[WorkSample, ...]],
) -> tuple[Pool, ...]:
    """Return every pool that the service lists or still has replicas on.

    `prices` are per replica and hour; `parities`, `in_flight` and `work` are by pod UID.
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
            work=tuple(each for pod in known[name].pods for each in work.get(pod.replica.uid, ()))
            if name in known
            else (),
            price_per_hour=prices.get(name),
        )
        for name in (*listed, *left)
        if name in capacities
    )


def _with_unseen(load: Load | None, objects: Sequence[PoolObject]) -> Load | None:
    """Return `load` with the Ready pods that are not known yet as replicas that did not report."""
    unseen = sum(each.unseen for each in objects)
    return load if load is None or unseen == 0 else replace(load, expected=load.expected + unseen)


def _lost(pod: PodObject) -> PodObject:
    return replace(pod, replica=replace(pod.replica, ready_since=None, stuck=Reason.NOT_ANSWERING))


def _with_telemetry(pod: Replica, *, parities: Mapping[str, Parity], in_flight: Mapping[str, float]) -> Replica:
    return replace(pod, parity=parities.get(pod.uid, Parity.UNKNOWN), in_flight=in_flight.get(pod.uid, 0.0))


def _usable(bounds: Bounds, *, pools: Mapping[str, GPUPoolSpec]) -> Bounds:
    """Return `bounds` without pools that have no GPUPool: what runs on them stays, nothing new is allocated there."""
    return replace(
        bounds,
        pools=tuple(allowance for allowance in bounds.pools if allowance.pool in pools),
        upcoming=tuple(allowance for allowance in bounds.upcoming if allowance.pool in pools),
    )


def _prices(pools: Mapping[str, GPUPoolSpec]) -> dict[str, float]:
    """Return the prices above 0. The schema refuses 0, but an object may be older than that rule."""
    stated = {name: float(pool.price_per_hour) for name, pool in pools.items() if pool.price_per_hour is not None}
    return {name: price for name, price in stated.items() if price > 0}


def _capacities(
    spec: EmbeddingServiceSpec, *, objects: tuple[PoolObject, ...], pools: Mapping[str, GPUPoolSpec]
) -> dict[str, Capacity]:
    listed = [entry.gpu_pool for entry in spec.pools if entry.gpu_pool in pools]
    held = [each.pool for each in objects if each.pool not in listed]
    return {pool: replica_capacity(spec, pool=pool, gpu=pools.get(pool)) for pool in (*listed, *held)}
