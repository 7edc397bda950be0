"""The operator's own decision as a policy: `decide` itself, with the input that the operator would have."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.domain.capacity.startup_time import allowed_startup_seconds, overdue_after
from embedding_operator.domain.decide import decide
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Bounds, Load, Observation, Parity, Pool, Replica, ScalingPolicy
from embedding_operator.domain.schedule.bounds import ClusterSchedule, bounds_in_force
from embedding_operator.simulation.policy import PodView, PoolView, View
from embedding_operator.simulation.telemetry import Telemetry

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
"""The instant at which traces begin: midnight before a Monday."""

TICK_SECONDS = 5.0
"""As the operator polls. To it, a pod that takes twice the startup time, and at least two minutes, is stuck."""

SERVED_BEFORE_SECONDS = 3600.0
"""The age of the replicas with which a simulation begins."""


class Ours:
    """Decides as the operator does for a service with `spec`.

    If False, `hears_queue` and `hears_rate` remove the queue term or the feed-forward from the decision: ablations.
    """

    def __init__(
        self,
        spec: EmbeddingServiceSpec,
        *,
        cluster: Sequence[ClusterSchedule] = (),
        name: str = "ours",
        hears_queue: bool = True,
        hears_rate: bool = True,
    ) -> None:
        self._spec, self._cluster, self._name = spec, cluster, name
        self._hears_queue, self._hears_rate = hears_queue, hears_rate
        self._policy = ScalingPolicy.of(
            spec.scaling, allocation=spec.allocation, patience_seconds=float(spec.gateway.queue_timeout_seconds)
        )
        self._telemetry = Telemetry(gateway=spec.gateway.enabled, holds=spec.gateway.hold_seconds > 0)
        self._memory: ScalingMemory | None = None
        self._bounds: Bounds | None = None
        self._replicas: dict[tuple[int, float | None, Reason | None], Replica] = {}

    @property
    def name(self) -> str:
        """Return the name in tables and plots."""
        return self._name

    @property
    def period(self) -> float:
        """Return the seconds from one decision to the next."""
        return TICK_SECONDS

    def look(self, view: View) -> Mapping[str, int]:
        """Return the desired replicas per pool."""
        observation = self.observation(view)
        decision = decide(observation)
        self._memory = decision.memory
        if not decision.write:
            return {}
        return {target.pool: target.replicas for target in decision.targets}

    def observation(self, view: View) -> Observation:
        """Return what the operator would observe, and record it as the next sample of telemetry."""
        now = instant(view.now)
        self._telemetry.record(view, now=now)
        gateway = self._telemetry.gateway()
        load = self._telemetry.load(gateway, ready=sum([pool.ready for pool in view.pools]))
        return Observation(
            now=now,
            policy=self._policy,
            bounds=self._bounds_at(now),
            pools=tuple([self._pool(pool, now=now) for pool in view.pools]),
            load=self._heard(load),
            gateway=gateway,
            memory=self._memory,
        )

    def _bounds_at(self, now: datetime) -> Bounds:
        """Return the bounds of the schedule, which are the same until the next transition."""
        known = self._bounds
        if known is None or (known.next_transition is not None and known.next_transition <= now):
            known = self._bounds = bounds_in_force(self._spec, cluster=self._cluster, now=now)
        return known

    def _heard(self, load: Load | None) -> Load | None:
        if load is None or (self._hears_queue and self._hears_rate):
            return load
        if not self._hears_queue:
            load = replace(load, queue_requests=0.0, queue_tokens=0.0)
        rate = load.arrival_tokens_per_second
        if self._hears_rate or rate is None:
            return load
        return replace(load, arrival_tokens_per_second=0.0, burst_tokens_per_second=None)

    def _pool(self, view: PoolView, *, now: datetime) -> Pool:
        return Pool(
            name=view.name,
            replicas=view.replicas,
            tokens_per_second=view.tokens_per_second,
            pods=tuple([self._replica(view.name, pod, now=now) for pod in view.pods]),
            work=self._telemetry.work(view),
            price_per_hour=view.hourly_price,
        )

    def _replica(self, pool: str, pod: PodView, *, now: datetime) -> Replica:
        stuck = None if pod.ready_at is not None else self._obstacle(pool, pod, now=now)
        key = (pod.uid, pod.ready_at, stuck)
        known = self._replicas.get(key)
        if known is None:
            known = self._replicas[key] = Replica(
                uid=str(pod.uid),
                name=f"{pool}-{pod.uid}",
                created_at=instant(_created_at(pod)),
                ready_since=None if pod.ready_at is None else instant(pod.ready_at),
                stuck=stuck,
                parity=Parity.PASSED,
            )
        return known

    def _obstacle(self, pool: str, pod: PodView, *, now: datetime) -> Reason | None:
        """Return why a replica that is not Ready is stuck; None while it is starting in time."""
        if not pod.has_node:
            return Reason.UNSCHEDULABLE
        known = () if self._memory is None else self._memory.learned
        allowed = allowed_startup_seconds(known, pool=pool)
        return Reason.START_OVERDUE if now - instant(pod.created_at) > overdue_after(allowed) else None


def _created_at(pod: PodView) -> float:
    """Return when a pod was created; one that served from the beginning was there before, and teaches no start."""
    return pod.created_at - SERVED_BEFORE_SECONDS if pod.ready_at == pod.created_at else pod.created_at


def instant(seconds: float) -> datetime:
    """Return the instant `seconds` into a trace."""
    return EPOCH + timedelta(seconds=seconds)
