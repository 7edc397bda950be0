"""Events: the noteworthy differences between the status before a decision and after it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus


class EventType(StrEnum):
    """The two types of Kubernetes Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


class EventReason(StrEnum):
    """The reasons of the operator's Events."""

    SCALED_UP = "ScaledUp"
    SCALED_DOWN = "ScaledDown"
    WINDOW_OPENED = "WindowOpened"
    WINDOW_CLOSED = "WindowClosed"
    HANDOVER_STARTED = "HandoverStarted"
    HANDOVER_FINISHED = "HandoverFinished"
    BECAME_READY = "BecameReady"
    BECAME_UNREADY = "BecameUnready"
    STALLED = "Stalled"
    RECOVERED = "Recovered"
    METRICS_LOST = "MetricsLost"
    METRICS_BACK = "MetricsBack"
    CAPACITY_LIMITED = "CapacityLimited"
    CONFLICTING_SCALER = "ConflictingScaler"
    GATEWAY_SERVES = "GatewayServes"
    GATEWAY_LOST = "GatewayLost"
    ADDRESS_CHANGED = "AddressChanged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An Event to be emitted."""

    type: EventType
    reason: EventReason
    note: str


def announcements(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus) -> tuple[Announcement, ...]:
    """Return the Events for the differences between two statuses of one service, most important first."""
    return (*_conditions(before, after), *_address(before, after), *_window(before, after), *_replicas(before, after))


_TURNS: dict[tuple[ConditionType, ConditionStatus], tuple[EventType, EventReason]] = {
    (ConditionType.STALLED, ConditionStatus.TRUE): (EventType.WARNING, EventReason.STALLED),
    (ConditionType.STALLED, ConditionStatus.FALSE): (EventType.NORMAL, EventReason.RECOVERED),
    (ConditionType.READY, ConditionStatus.TRUE): (EventType.NORMAL, EventReason.BECAME_READY),
    (ConditionType.READY, ConditionStatus.FALSE): (EventType.WARNING, EventReason.BECAME_UNREADY),
    (ConditionType.METRICS_AVAILABLE, ConditionStatus.FALSE): (EventType.WARNING, EventReason.METRICS_LOST),
    (ConditionType.METRICS_AVAILABLE, ConditionStatus.TRUE): (EventType.NORMAL, EventReason.METRICS_BACK),
    (ConditionType.HANDOVER_IN_PROGRESS, ConditionStatus.TRUE): (EventType.NORMAL, EventReason.HANDOVER_STARTED),
    (ConditionType.HANDOVER_IN_PROGRESS, ConditionStatus.FALSE): (EventType.NORMAL, EventReason.HANDOVER_FINISHED),
    (ConditionType.CAPACITY_LIMITED, ConditionStatus.TRUE): (EventType.WARNING, EventReason.CAPACITY_LIMITED),
    (ConditionType.CONFLICTING_SCALER, ConditionStatus.TRUE): (EventType.WARNING, EventReason.CONFLICTING_SCALER),
    (ConditionType.GATEWAY_AVAILABLE, ConditionStatus.TRUE): (EventType.NORMAL, EventReason.GATEWAY_SERVES),
    (ConditionType.GATEWAY_AVAILABLE, ConditionStatus.FALSE): (EventType.WARNING, EventReason.GATEWAY_LOST),
}


def _conditions(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus) -> Iterator[Announcement]:
    known = {condition.type: condition for condition in before.conditions}
    for condition in after.conditions:
        turn = _TURNS.get((ConditionType(condition.type), condition.status))
        if turn is not None and _turned(known.get(condition.type), condition):
            kind, reason = turn
            yield Announcement(type=kind, reason=reason, note=condition.message or condition.reason)


def _turned(before: Condition | None, after: Condition) -> bool:
    """Return whether the status changed; a first status counts only if it reports a problem."""
    if before is not None:
        known = ConditionStatus.UNKNOWN not in (before.status, after.status)
        return known and before.status is not after.status
    return after.status is ConditionStatus.TRUE and after.type in {
        ConditionType.STALLED,
        ConditionType.CAPACITY_LIMITED,
        ConditionType.CONFLICTING_SCALER,
    }


def _address(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus) -> Iterator[Announcement]:
    if before.address is not None and after.address != before.address:
        note = f"the Service was created again and has the address {after.address}: {before.address} could not be kept"
        yield Announcement(type=EventType.WARNING, reason=EventReason.ADDRESS_CHANGED, note=note)


def _window(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus) -> Iterator[Announcement]:
    old = before.schedule.window if before.schedule is not None else None
    new = after.schedule.window if after.schedule is not None else None
    if old == new:
        return
    if new is not None:
        yield Announcement(type=EventType.NORMAL, reason=EventReason.WINDOW_OPENED, note=f"window {new} has opened")
    else:
        yield Announcement(type=EventType.NORMAL, reason=EventReason.WINDOW_CLOSED, note=f"window {old} has closed")


def _replicas(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus) -> Iterator[Announcement]:
    old = {pool.gpu_pool: pool.desired for pool in before.pools}
    for pool in after.pools:
        was = old.get(pool.gpu_pool, 0)
        if pool.desired != was:
            up = pool.desired > was
            yield Announcement(
                type=EventType.NORMAL,
                reason=EventReason.SCALED_UP if up else EventReason.SCALED_DOWN,
                note=f"{pool.gpu_pool}: {was} to {pool.desired} replicas",
            )
