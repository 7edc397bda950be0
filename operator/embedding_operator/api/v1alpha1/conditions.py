"""Conditions: their types, every reason they may have, and what each reason means."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from embedding_operator.api.v1alpha1.base import ApiModel


class ConditionType(StrEnum):
    """What a condition describes."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    METRICS_AVAILABLE = "MetricsAvailable"
    SCHEDULE_APPLIED = "ScheduleApplied"
    PREWARMING = "Prewarming"
    HANDOVER_IN_PROGRESS = "HandoverInProgress"
    FALLBACK_ACTIVE = "FallbackActive"
    ENGINE_HANG = "EngineHang"
    ENGINE_OUTLIER = "EngineOutlier"
    CAPACITY_LIMITED = "CapacityLimited"
    SCALING_LIMITED = "ScalingLimited"
    TRIGGERS_AVAILABLE = "TriggersAvailable"
    ALLOCATION_APPLIED = "AllocationApplied"
    CONFLICTING_SCALER = "ConflictingScaler"
    GATEWAY_AVAILABLE = "GatewayAvailable"


class ConditionStatus(StrEnum):
    """The three values of a Kubernetes condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition has its status, in CamelCase as `metav1.Condition` requires; the comments document them."""

    # Ready, Reconciling
    SERVING = "Serving"  # every desired replica is Ready
    SCALING = "Scaling"  # enough replicas serve, more are starting or some are leaving
    STARTING = "Starting"  # no replica is Ready yet
    DEGRADED = "Degraded"  # fewer replicas are Ready than the bounds of the window require
    ASLEEP = "Asleep"  # a window holds the service at zero replicas, or it is idle and the gateway holds the next one
    PAUSED = "Paused"  # scaling.mode is Paused
    SETTLED = "Settled"  # nothing is left to do

    # Stalled: the object or something that it depends on must change before the operator can proceed
    PROGRESSING = "Progressing"  # nothing blocks the operator
    INVALID_SPEC = "InvalidSpec"  # the object is not valid for this operator version, or contradicts its model
    GPU_POOL_NOT_FOUND = "GPUPoolNotFound"  # spec.pools names a GPUPool that does not exist
    DTYPE_UNSUPPORTED = "DtypeUnsupported"  # bfloat16 on a pool below compute capability 8.0
    QUANTIZATION_UNSUPPORTED = "QuantizationUnsupported"  # no kernel for this method on a pool's GPU
    UNSUPPORTED_POOLING = "UnsupportedPooling"  # the model uses mean pooling, for which SGLang returns wrong vectors
    MODEL_TOO_LARGE = "ModelTooLarge"  # the weights do not fit into the memory of a pool's GPU
    ENGINE_ARGUMENT_REFUSED = "EngineArgumentRefused"  # args or env set something that the operator manages
    NOT_PERMITTED = "NotPermitted"  # admins have not allowed tenants to run this
    NAME_CONFLICT = "NameConflict"  # an object with the name of a child belongs to another owner
    INTERNAL_ERROR = "InternalError"  # an unexpected error in the operator: the last good state is kept
    FORBIDDEN = "Forbidden"  # the operator lacks a permission, or admission refused a child
    QUOTA_EXCEEDED = "QuotaExceeded"  # a ResourceQuota refused a child

    # MetricsAvailable
    REPORTING = "Reporting"  # every Ready replica reported in time
    PARTIAL = "Partial"  # some Ready replicas did not report: the service may grow but not shrink
    INCOMPLETE = "Incomplete"  # part of the load has not been reported for minutes: it counts as busy
    MISSING = "Missing"  # no replica reported: replicas are held
    STALE = "Stale"  # the newest metrics are too old: replicas are held
    INVALID = "Invalid"  # metrics were negative, NaN or too large: replicas are held
    NO_REPLICAS = "NoReplicas"  # no replica is Ready, so there is nothing to measure

    # ScheduleApplied
    WINDOW_ACTIVE = "WindowActive"  # a window of the schedule in force is open
    BASE_BOUNDS = "BaseBounds"  # no window is open: spec.pools applies
    NO_SCHEDULE = "NoSchedule"  # no schedule applies to the service
    NO_COMMON_POOL = "NoCommonPool"  # the schedule names none of the pools that the service lists

    # Prewarming
    WINDOW_AHEAD = "WindowAhead"  # replicas start now so that they are Ready when the next window opens
    NO_WINDOW_AHEAD = "NoWindowAhead"  # no window that needs more replicas on a pool opens within the startup time

    # HandoverInProgress
    WAITING_FOR_READY = "WaitingForReady"  # the incoming pool's replicas are not Ready yet
    SETTLING = "Settling"  # they are Ready, but not for long enough or without a verified answer
    PARITY_FAILED = "ParityFailed"  # the incoming pool returns different vectors than the outgoing one
    DRAINING = "Draining"  # the outgoing pool's replicas are leaving
    HANDOVER_OVERDUE = "HandoverOverdue"  # it takes longer than 30 minutes and two startups; the old pool stays
    STABLE = "Stable"  # no handover is in progress

    # FallbackActive
    METRICS_UNAVAILABLE = "MetricsUnavailable"  # nothing was measured for 300 s: scaling.fallback applies
    METRICS_AVAILABLE = "MetricsAvailable"  # metrics are available, or were until recently

    # EngineHang
    NOTHING_FINISHED = "NothingFinished"  # requests wait and engines finish none: more replicas would not help
    ANSWERING = "Answering"  # engines answer waiting requests, or none wait

    # EngineOutlier
    ANSWERS_WITH_ERRORS = "AnswersWithErrors"  # the gateway sends some Ready replicas no requests for a while
    NO_OUTLIER = "NoOutlier"  # every Ready replica gets requests

    # CapacityLimited
    UNSCHEDULABLE = "Unschedulable"  # pods find no node
    IMAGE_PULL_FAILED = "ImagePullFailed"  # pods cannot get their image
    CRASH_LOOP = "CrashLoop"  # engine containers keep exiting
    START_OVERDUE = "StartOverdue"  # pods have run for longer than a start takes and are still not Ready
    NOT_ANSWERING = "NotAnswering"  # Ready replicas answer neither the operator nor the gateway, as on a dead node
    POOL_BACKOFF = "PoolBackoff"  # a pool whose pods recently could not start does not grow for now
    SUFFICIENT = "Sufficient"  # no pod is stuck

    # ScalingLimited
    AT_MAXIMUM = "AtMaximum"  # the load needs more than the bounds allow
    AT_MINIMUM = "AtMinimum"  # the bounds require more than the load needs
    WITHIN_BOUNDS = "WithinBounds"  # the load needs a number of replicas that the bounds allow

    # TriggersAvailable; also: Missing (a trigger has no usable value: the service may grow but not shrink), Reporting
    NO_TRIGGERS = "NoTriggers"  # spec.scaling.triggers is empty

    # AllocationApplied
    IN_ORDER = "InOrder"  # pools are filled in the order of spec.pools, or of the window
    CHEAPEST_MIX = "CheapestMix"  # replicas are on the cheapest mix of pools that is worth changing to
    PRICE_MISSING = "PriceMissing"  # a GPUPool has no pricePerHour: pools are filled in order

    # ConflictingScaler
    OTHER_SCALER = "OtherScaler"  # a HorizontalPodAutoscaler or ScaledObject targets a managed Deployment
    NO_OTHER_SCALER = "NoOtherScaler"  # nothing else scales the managed Deployments

    # GatewayAvailable
    ROUTED = "Routed"  # requests pass through the gateway
    GATEWAY_DEGRADED = "GatewayDegraded"  # requests pass through the gateway, but some of its pods are not Ready
    GATEWAY_STARTING = "GatewayStarting"  # its pods are not Ready yet, so requests go directly to the engines
    GATEWAY_UNAVAILABLE = "GatewayUnavailable"  # none of its pods is Ready, so no request is answered; also: Ready
    KEYS_NOT_ENFORCED = "KeysNotEnforced"  # clients without a key of the Secret can still get answers; also: Ready
    GATEWAY_LEAVING = "GatewayLeaving"  # spec.gateway.enabled became false: it serves until the engines take over
    GATEWAY_DISABLED = "GatewayDisabled"  # spec.gateway.enabled is false: engines accept any request

    # ScalingSchedule, GPUPool
    IN_USE = "InUse"  # at least one EmbeddingService depends on the object
    UNUSED = "Unused"  # no EmbeddingService depends on the object
    NO_NODES = "NoNodes"  # no node has the labels of the pool
    AVAILABLE = "Available"  # at least one node has the labels of the pool


class Condition(ApiModel):
    """A `metav1.Condition`."""

    type: Annotated[str, Field(max_length=316)]
    status: ConditionStatus
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: datetime
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    message: Annotated[str, Field(max_length=32768)] = ""
