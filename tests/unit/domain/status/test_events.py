from datetime import UTC, datetime

import pytest
from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus, PoolStatus, ScheduleStatus
from embedding_operator.domain.status.events import EventReason, announcements

NEVER = EmbeddingServiceStatus()


def with_condition(kind: ConditionType, status: ConditionStatus) -> EmbeddingServiceStatus:
    condition = Condition(
        type=kind,
        status=status,
        last_transition_time=datetime(2026, 1, 1, tzinfo=UTC),
        reason=Reason.SERVING,
        message="because",
    )
    return EmbeddingServiceStatus(conditions=[condition])


def with_pool(desired: int) -> EmbeddingServiceStatus:
    return EmbeddingServiceStatus(pools=[PoolStatus(gpu_pool="a10", desired=desired)])


def with_window(name: str | None) -> EmbeddingServiceStatus:
    return EmbeddingServiceStatus(schedule=ScheduleStatus(source="EmbeddingService", window=name))


def with_address(address: str) -> EmbeddingServiceStatus:
    return EmbeddingServiceStatus(address=address)


T, F, U = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
READY, STALLED, METRICS = ConditionType.READY, ConditionType.STALLED, ConditionType.METRICS_AVAILABLE
GATEWAY = ConditionType.GATEWAY_AVAILABLE


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (NEVER, with_condition(READY, F), []),
        (NEVER, with_condition(STALLED, F), []),
        (NEVER, with_condition(STALLED, T), [EventReason.STALLED]),
        (with_condition(STALLED, T), with_condition(STALLED, T), []),
        (with_condition(STALLED, T), with_condition(STALLED, F), [EventReason.RECOVERED]),
        (with_condition(READY, F), with_condition(READY, T), [EventReason.BECAME_READY]),
        (with_condition(READY, T), with_condition(READY, F), [EventReason.BECAME_UNREADY]),
        (with_condition(METRICS, U), with_condition(METRICS, T), []),
        (with_condition(METRICS, T), with_condition(METRICS, F), [EventReason.METRICS_LOST]),
        (NEVER, with_condition(GATEWAY, F), []),
        (with_condition(GATEWAY, F), with_condition(GATEWAY, T), [EventReason.GATEWAY_SERVES]),
        (with_condition(GATEWAY, T), with_condition(GATEWAY, F), [EventReason.GATEWAY_LOST]),
        (NEVER, with_pool(2), [EventReason.SCALED_UP]),
        (with_pool(2), with_pool(2), []),
        (with_pool(2), with_pool(1), [EventReason.SCALED_DOWN]),
        (NEVER, with_window("night"), [EventReason.WINDOW_OPENED]),
        (with_window("night"), with_window("day"), [EventReason.WINDOW_OPENED]),
        (with_window("night"), with_window(None), [EventReason.WINDOW_CLOSED]),
        (NEVER, with_address("10.0.0.7"), []),
        (with_address("10.0.0.7"), with_address("10.0.0.7"), []),
        (with_address("10.0.0.7"), with_address("10.0.0.8"), [EventReason.ADDRESS_CHANGED]),
    ],
)
def test_events(before: EmbeddingServiceStatus, after: EmbeddingServiceStatus, reasons: list[EventReason]) -> None:
    assert [announcement.reason for announcement in announcements(before, after)] == reasons
    assert all(announcement.note for announcement in announcements(before, after))
