"""The complete input of a decision, as frozen values.

Capacity and load are in tokens per second, not in replicas, so that history, hysteresis and limits stay meaningful
when a service moves between GPU pools of different speeds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.api.v1alpha1.scaling import ScalingMode, ScalingSpec
from embedding_operator.domain.memory import ScalingMemory

UTC_ZONE = ZoneInfo("UTC")

TOKENS_PER_REQUEST = 256.0
"""The assumed length of a request while no engine has answered or queued any."""

LEAST_HOLD_SECONDS = 300.0
"""The shortest time for which replicas are held after they were needed, unless another is stated."""

STARTUP_SECONDS = 300.0
"""The expected startup time until it is learned."""


class Parity(StrEnum):
    """Whether a replica answers a probe embedding with the same vectors as the pool that it takes over from."""

    UNKNOWN = "Unknown"
    PASSED = "Passed"
    FAILED = "Failed"


class WorkSample(NamedTuple):
    """The work of one Ready replica between two samples, some seconds apart.

    `in_flight` is the mean of the requests at both ends, `least_in_flight` the smaller of the two. `waited` says that
    tokens waited in the scheduler at both ends.
    """

    tokens_per_second: float
    in_flight: float
    least_in_flight: float
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """An engine pod that is not terminating. `warm` says that it found its weights on its node."""

    uid: str
    name: str
    created_at: datetime
    ready_since: datetime | None = None
    stuck: Reason | None = None
    parity: Parity = Parity.UNKNOWN
    in_flight: float = 0.0
    warm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The current state of one GPU pool of the service.

    `replicas` is the desired count of its Deployment, 0 if there is none. `tokens_per_second` is the capacity of one
    Ready replica: a seed, until a better value is learned from `work`, the work of replicas since the last decision.
    `startup_seconds` is the assumed startup time until starts have been seen; `starts_warm` says that a replica created
    now would find its weights on its node. `price_per_hour` is the cost of a replica, None if no price is set.
    """

    name: str
    replicas: int
    tokens_per_second: float
    pods: tuple[Replica, ...] = ()
    work: tuple[WorkSample, ...] = ()
    starts_warm: bool = False
    price_per_hour: float | None = None
    startup_seconds: float = STARTUP_SECONDS

    ready: tuple[Replica, ...] = field(init=False, repr=False, compare=False)
    stuck: tuple[Replica, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Cache the pods that serve and those that are stuck: every step of a decision needs them."""
        ready = tuple([pod for pod in self.pods if pod.ready_since is not None])
        waiting = () if len(ready) == len(self.pods) else self.pods
        stuck = tuple([pod for pod in waiting if pod.ready_since is None and pod.stuck is not None])
        object.__setattr__(self, "ready", ready)
        object.__setattr__(self, "stuck", stuck)

    @property
    def starting(self) -> int:
        """Return how many desired replicas are starting; the surge of a rollout is not included."""
        return max(0, self.replicas - len(self.ready) - len(self.stuck))

    @property
    def ready_capacity(self) -> float:
        """Return the tokens per second that the pool serves now."""
        return self.tokens_per_second * len(self.ready)


def cannot_start(pod: Replica, *, pool: Pool, now: datetime) -> bool:
    """Return whether `pod` will not become Ready just by waiting.

    An unschedulable pod may be waiting for a new node: it counts only after the startup time.
    """
    if pod.ready_since is not None or pod.stuck is None:
        return False
    waits_for_a_node = pod.stuck is Reason.UNSCHEDULABLE
    return not waits_for_a_node or now - pod.created_at >= timedelta(seconds=pool.startup_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The bounds of one pool in the current window."""

    pool: str
    min_replicas: int
    max_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the schedule allows now: pools in order of preference. A pool that is not listed is not allowed.

    `since` is the instant at which the window opened; `next_transition` the first instant after now at which another
    window wins, and `upcoming` what that one allows, empty if it has no replicas. `zone` is the time zone of the
    schedule, `problem` the reason why a schedule that selects the service, or its open window, does not apply.
    """

    pools: tuple[Allowance, ...]
    asleep: bool = False
    source: str | None = None
    window: str | None = None
    since: datetime | None = None
    next_window: str | None = None
    next_transition: datetime | None = None
    upcoming: tuple[Allowance, ...] = ()
    zone: ZoneInfo = UTC_ZONE
    problem: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The measured load of the whole service.

    `sampled_at` is the time of the oldest sample used. `arrival_tokens_per_second` is None until two samples of one
    replica exist. `reporting` of `expected` Ready replicas had a fresh sample. `tokens_per_request` is the mean length
    of a request, assumed for those that are only counted. `burst_tokens_per_second` is what arrived in the last
    seconds, `served_tokens_per_second` what engines finished; None until they have been observed for a while.
    """

    sampled_at: datetime
    queue_requests: float
    queue_tokens: float
    arrival_tokens_per_second: float | None
    reporting: int
    expected: int
    tokens_per_request: float = TOKENS_PER_REQUEST
    burst_tokens_per_second: float | None = None
    served_tokens_per_second: float | None = None

    @property
    def work_that_waits(self) -> float:
        """Return the tokens that wait: the measured ones, or requests times mean length if that is more."""
        return max(self.queue_tokens, self.queue_requests * self.tokens_per_request)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLoad:
    """The combined metrics of the gateway pods of a service.

    `outstanding` requests were accepted but not answered, `waiting` of them are at no engine. `requests_per_second` is
    None until it is known, `burst_per_second` is the rate of the last seconds; `released_per_second` and
    `burst_released_per_second` are by how much `waiting` fell in the same times, 0 if it rose. `last_arrival` is the
    time of the latest sample that counted a new request. From `quiet_since` to `sampled_at`, the time of the oldest
    sample, no pod had a request; None if one has, or may have. `expected` pods are Ready: `answering` of them answered
    in time, and `reporting` of those for long enough, without a restart, to be taken as complete. `holds` says whether
    requests wait for a first replica. A pod sends no new requests to the replicas whose names are in `drained`.
    """

    outstanding: float = 0.0
    waiting: float = 0.0
    requests_per_second: float | None = None
    burst_per_second: float | None = None
    released_per_second: float = 0.0
    burst_released_per_second: float = 0.0
    last_arrival: datetime | None = None
    quiet_since: datetime | None = None
    sampled_at: datetime | None = None
    answering: int = 0
    reporting: int = 0
    expected: int = 0
    holds: bool = True
    drained: frozenset[str] = frozenset()

    @property
    def is_heard(self) -> bool:
        """Return whether there is a Ready pod and every one answers."""
        return self.answering == self.expected > 0

    @property
    def is_complete(self) -> bool:
        """Return whether the metrics cover everything that arrived."""
        return self.reporting == self.expected > 0 and self.requests_per_second is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerReading:
    """The value of an external queue, or why there is no usable value; a `value` of None is never the same as 0."""

    name: str
    threshold: float
    activation_threshold: float = 0.0
    value: float | None = None
    problem: str | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    """The goals and limits of scaling, in the units of the decision.

    A request that has waited for `patience_seconds` is given up. If `down_follows_starts`, replicas are held for longer
    than `down_stabilization_seconds` where starts take long and the load returns within `return_seconds`.
    """

    mode: ScalingMode = ScalingMode.ACTIVE
    allocation: Allocation = Allocation.ORDERED
    queue_requests_per_replica: float = 8.0
    drain_seconds: float = 30.0
    patience_seconds: float = 60.0
    target_utilization: float = 0.80
    idle_seconds: float = 600.0
    activation_requests: float = 0.0
    up_factor: float = 2.0
    up_replicas: int = 4
    up_stabilization_seconds: float = 0.0
    down_stabilization_seconds: float = 300.0
    down_follows_starts: bool = False
    return_seconds: float = 0.0
    down_share_per_minute: float = 0.5
    fallback_replicas: int | None = None

    @classmethod
    def of(
        cls, spec: ScalingSpec, *, allocation: Allocation = Allocation.ORDERED, patience_seconds: float = 60.0
    ) -> "ScalingPolicy":
        """Return the policy that `spec.scaling` and `spec.allocation` state, for requests that wait for so long."""
        stated = spec.scale_down.stabilization_seconds
        return cls(
            mode=spec.mode,
            allocation=allocation,
            queue_requests_per_replica=spec.queue.target_requests,
            drain_seconds=spec.queue.drain_seconds,
            patience_seconds=patience_seconds,
            target_utilization=spec.target_utilization / 100,
            idle_seconds=spec.idle_seconds,
            activation_requests=spec.activation_requests,
            up_factor=spec.scale_up.max_factor,
            up_replicas=spec.scale_up.max_replicas_per_step,
            up_stabilization_seconds=spec.scale_up.stabilization_seconds,
            down_stabilization_seconds=LEAST_HOLD_SECONDS if stated is None else stated,
            down_follows_starts=stated is None,
            down_share_per_minute=spec.scale_down.max_percent_per_minute / 100,
            fallback_replicas=None if spec.fallback is None else spec.fallback.replicas,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The input of `decide`. `load` is None if nothing could be measured; that is never the same as no load.

    `gateway` is None if requests do not pass through one; `load` is then that of the engines alone. `triggers` are the
    external queues that the service names. `forecast_tokens_per_second` is the requirement at the next transition as
    forecast from history, None if there is too little history. The gateway last asked for a decision at `poked_at`.

    `capacity` is the capacity of one replica of each pool, by name, and `ready_capacity` that of all Ready replicas, in
    tokens per second.
    """

    now: datetime
    policy: ScalingPolicy
    bounds: Bounds
    pools: tuple[Pool, ...]
    load: Load | None
    gateway: GatewayLoad | None = None
    triggers: tuple[TriggerReading, ...] = ()
    forecast_tokens_per_second: float | None = None
    poked_at: datetime | None = None
    memory: ScalingMemory | None = None

    capacity: Mapping[str, float] = field(init=False, repr=False, compare=False)
    ready_capacity: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Cache the capacity of the pools: every step of a decision needs it."""
        object.__setattr__(self, "capacity", {pool.name: pool.tokens_per_second for pool in self.pools})
        object.__setattr__(self, "ready_capacity", sum([pool.ready_capacity for pool in self.pools]))
