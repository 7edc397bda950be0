"""Conditions: their types, every reason they may carry, and what each means."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ApiModel


class ConditionType(StrEnum):
    """What a condition speaks about."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    METRICS_AVAILABLE = "MetricsAvailable"
    SCHEDULE_APPLIED = "ScheduleApplied"
    PREWARMING = "Prewarming"
    HANDOVER_IN_PROGRESS = "HandoverInProgress"
    FALLBACK_ACTIVE = "FallbackActive"
    ENGINE_HANG = "EngineHang"
    CAPACITY_LIMITED = "CapacityLimited"
    SCALING_LIMITED = "ScalingLimited"
    TRIGGERS_AVAILABLE = "TriggersAvailable"
    ALLOCATION_APPLIED = "AllocationApplied"
    CONFLICTING_SCALER = "ConflictingScaler"
    GATEWAY_AVAILABLE = "GatewayAvailable"


class ConditionStatus(StrEnum):
    """Kubernetes' three-valued truth."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition has its status, in CamelCase as `metav1.Condition` asks; the comment is the documentation."""

    # Ready, Reconciling
    SERVING = "Serving"  # every wanted replica is Ready
    SCALING = "Scaling"  # enough replicas serve, more are starting or some are leaving
    STARTING = "Starting"  # no replica is Ready yet
    DEGRADED = "Degraded"  # fewer replicas are Ready than the bounds of the window ask for
    ASLEEP = "Asleep"  # a window holds the service at zero replicas, or no requests come and the gateway holds the next
    PAUSED = "Paused"  # scaling.mode is Paused
    SETTLED = "Settled"  # nothing is left to do

    # Stalled: the object or what it depends on must change before the operator can go on
    PROGRESSING = "Progressing"  # nothing is in the way
    INVALID_SPEC = "InvalidSpec"  # the object does not fit this operator version, or contradicts its model
    GPU_POOL_NOT_FOUND = "GPUPoolNotFound"  # spec.pools names a GPUPool that does not exist
    DTYPE_UNSUPPORTED = "DtypeUnsupported"  # bfloat16 on a pool below compute capability 8.0
    QUANTIZATION_UNSUPPORTED = "QuantizationUnsupported"  # no kernel for this method on a pool's GPU
    UNSUPPORTED_POOLING = "UnsupportedPooling"  # the model pools by mean, SGLang would return wrong vectors
    MODEL_TOO_LARGE = "ModelTooLarge"  # the weights do not fit the memory of a pool's GPU
    ENGINE_ARGUMENT_REFUSED = "EngineArgumentRefused"  # args or env set what the operator manages
    NAME_CONFLICT = "NameConflict"  # an object with the name of a child belongs to another owner
    FORBIDDEN = "Forbidden"  # the operator lacks a permission, or admission refused a child
    QUOTA_EXCEEDED = "QuotaExceeded"  # a ResourceQuota refused a child

    # MetricsAvailable
    REPORTING = "Reporting"  # every Ready replica reported in time
    PARTIAL = "Partial"  # some Ready replicas did not report: the service may grow, not shrink
    MISSING = "Missing"  # no replica reported: replicas are held
    STALE = "Stale"  # the newest metrics are too old: replicas are held
    INVALID = "Invalid"  # metrics were negative, NaN or infinite: replicas are held
    NO_REPLICAS = "NoReplicas"  # no replica is Ready, so there is nothing to measure

    # ScheduleApplied
    WINDOW_ACTIVE = "WindowActive"  # a window of the schedule in force is open
    BASE_BOUNDS = "BaseBounds"  # no window is open: spec.pools applies
    NO_SCHEDULE = "NoSchedule"  # no schedule applies to the service
    NO_COMMON_POOL = "NoCommonPool"  # the schedule names none of the pools that the service lists

    # Prewarming
    WINDOW_AHEAD = "WindowAhead"  # replicas start for the next window, to be Ready when it opens
    NO_WINDOW_AHEAD = "NoWindowAhead"  # no window that asks for more of a pool opens within the time of a start

    # HandoverInProgress
    WAITING_FOR_READY = "WaitingForReady"  # the incoming pool's replicas are not Ready yet
    SETTLING = "Settling"  # they are Ready, but not long enough or without a verified answer
    PARITY_FAILED = "ParityFailed"  # the incoming pool answers with other vectors than the outgoing one
    DRAINING = "Draining"  # the outgoing pool's replicas are leaving
    HANDOVER_OVERDUE = "HandoverOverdue"  # it takes longer than twice a start and 30 minutes; the old pool stays
    STABLE = "Stable"  # no handover

    # FallbackActive
    METRICS_UNAVAILABLE = "MetricsUnavailable"  # nothing was measured for 300 s: scaling.fallback applies
    METRICS_AVAILABLE = "MetricsAvailable"  # something is measured, or was until just now

    # EngineHang
    NOTHING_FINISHED = "NothingFinished"  # requests wait and engines finish none: more replicas would not help
    ANSWERING = "Answering"  # engines answer what waits, or nothing waits

    # CapacityLimited
    UNSCHEDULABLE = "Unschedulable"  # pods find no node
    IMAGE_PULL_FAILED = "ImagePullFailed"  # pods cannot get their image
    CRASH_LOOP = "CrashLoop"  # engine containers keep exiting
    START_OVERDUE = "StartOverdue"  # pods run for longer than a start takes
    POOL_BACKOFF = "PoolBackoff"  # a pool where pods could not start of late does not grow for now
    SUFFICIENT = "Sufficient"  # no pod is stuck

    # ScalingLimited
    AT_MAXIMUM = "AtMaximum"  # the load asks for more than the bounds allow
    AT_MINIMUM = "AtMinimum"  # the bounds ask for more than the load
    WITHIN_BOUNDS = "WithinBounds"  # the load asks for no more and no less than the bounds allow

    # TriggersAvailable; also: Missing (a trigger has no usable value: the service may grow, not shrink), Reporting
    NO_TRIGGERS = "NoTriggers"  # spec.scaling.triggers is empty

    # AllocationApplied
    IN_ORDER = "InOrder"  # pools are filled in the order of spec.pools, or of the window
    CHEAPEST_MIX = "CheapestMix"  # replicas are on the cheapest mix of pools that is worth changing to
    PRICE_MISSING = "PriceMissing"  # a GPUPool states no pricePerHour: pools are filled in order

    # ConflictingScaler
    OTHER_SCALER = "OtherScaler"  # an HorizontalPodAutoscaler or ScaledObject targets a managed Deployment
    NO_OTHER_SCALER = "NoOtherScaler"  # nothing else scales the managed Deployments

    # GatewayAvailable
    ROUTED = "Routed"  # requests pass through the gateway
    GATEWAY_DEGRADED = "GatewayDegraded"  # they do, but some of its pods are not Ready
    GATEWAY_STARTING = "GatewayStarting"  # its pods are not Ready yet, so requests go to the engines themselves
    GATEWAY_UNAVAILABLE = "GatewayUnavailable"  # none of its pods is Ready, so no request is answered; also: Ready
    GATEWAY_LEAVING = "GatewayLeaving"  # spec.gateway.enabled became false: it serves until engines take over
    GATEWAY_DISABLED = "GatewayDisabled"  # spec.gateway.enabled is false: engines are open to every request

    # ScalingSchedule, GPUPool
    IN_USE = "InUse"  # at least one EmbeddingService depends on the object
    UNUSED = "Unused"  # no EmbeddingService depends on the object
    NO_NODES = "NoNodes"  # no node carries the labels of the pool
    AVAILABLE = "Available"  # nodes carry the labels of the pool


class Condition(ApiModel):
    """A `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316)]
    status: ConditionStatus
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: datetime
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Annotated[str, Field(max_length=32768)] = ""
