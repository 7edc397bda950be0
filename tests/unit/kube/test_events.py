"""Which occurrences become Events, and their contents."""

from dataclasses import replace
from datetime import timedelta

from embedding_operator.domain.status.events import EventType
from embedding_operator.kube.events import BURST, MAX_NOTE, MAX_SERIES, EventLedger, Occurrence, Regarding, document
from embedding_operator.kube.resources import EMBEDDING_SERVICE, GPU_POOL

from tests.world.builders import NOON

QWEN = Regarding(resource=EMBEDDING_SERVICE, namespace="search", name="qwen", uid="uid")
SCALED = Occurrence(
    regarding=QWEN, type=EventType.NORMAL, reason="ScaledUp", action="Scale", note="a10: 1 to 2 replicas"
)


def counts(*seconds: float, occurrence: Occurrence = SCALED) -> list[int | None]:
    """Return the count that is recorded each time the same thing happens; None where nothing is recorded."""
    ledger = EventLedger()
    taken = [ledger.take(occurrence, now=NOON + timedelta(seconds=each)) for each in seconds]
    return [None if series is None else series.count for series in taken]


def test_the_first_occurrence_is_an_event() -> None:
    assert counts(0) == [1]


def test_what_repeats_within_ten_minutes_is_one_series_told_once_a_minute() -> None:
    assert counts(0, 1, 2, 30, 61, 62, 130) == [1, 2, None, None, 5, None, 7]


def test_a_series_keeps_its_name() -> None:
    ledger = EventLedger()
    first, second = ledger.take(SCALED, now=NOON), ledger.take(SCALED, now=NOON + timedelta(seconds=5))
    assert first is not None
    assert second is not None
    assert (first.name, first.first) == (second.name, second.first)
    assert second.last == NOON + timedelta(seconds=5)


def test_after_ten_quiet_minutes_it_is_a_new_event() -> None:
    assert counts(0, 599, 1198, 1798) == [1, 2, 3, 1]


def test_a_clock_that_was_set_back_begins_a_new_series() -> None:
    assert counts(100, 0) == [1, 1]


def test_other_reasons_notes_and_objects_are_other_events() -> None:
    ledger = EventLedger()
    other = replace(QWEN, uid="other")
    variants = [
        SCALED,
        replace(SCALED, reason="ScaledDown"),
        replace(SCALED, note="t4: 0 to 1"),
        replace(SCALED, regarding=other),
    ]
    assert [series.count for each in variants if (series := ledger.take(each, now=NOON))] == [1, 1, 1, 1]


def test_one_object_cannot_flood_and_recovers_slowly() -> None:
    ledger = EventLedger()

    def taken(number: int, seconds: float) -> bool:
        occurrence = replace(SCALED, note=f"note {number}")
        return ledger.take(occurrence, now=NOON + timedelta(seconds=seconds)) is not None

    assert sum(taken(number, 0) for number in range(1000)) == BURST
    assert [taken(5000, 29), taken(5001, 31), taken(5002, 31)] == [False, True, False]
    assert ledger.take(replace(SCALED, regarding=replace(QWEN, uid="quiet")), now=NOON) is not None


def test_the_ledger_does_not_grow_for_ever() -> None:
    ledger = EventLedger()
    for number in range(2 * MAX_SERIES):
        ledger.take(replace(SCALED, regarding=replace(QWEN, uid=f"uid-{number}")), now=NOON)
    again = ledger.take(replace(SCALED, regarding=replace(QWEN, uid="uid-0")), now=NOON)
    assert again is not None
    assert again.count == 1


def documented(occurrence: Occurrence) -> dict[str, object]:
    series = EventLedger().take(occurrence, now=NOON)
    assert series is not None
    return document(occurrence, series, instance="operator-1")


def test_an_event_says_what_happened_to_what_and_who_says_so() -> None:
    event = documented(SCALED)
    assert event["regarding"] == {
        "apiVersion": "embedding-operator.io/v1alpha1",
        "kind": "EmbeddingService",
        "namespace": "search",
        "name": "qwen",
        "uid": "uid",
    }
    assert (event["type"], event["reason"], event["action"]) == ("Normal", "ScaledUp", "Scale")
    assert (event["note"], event["eventTime"]) == ("a10: 1 to 2 replicas", "2026-06-03T12:00:00.000000Z")
    assert event["reportingInstance"] == "operator-1"


def test_events_about_cluster_objects_live_in_the_default_namespace() -> None:
    event = documented(replace(SCALED, regarding=Regarding(resource=GPU_POOL, namespace="", name="a10", uid="uid")))
    metadata = event["metadata"]
    assert isinstance(metadata, dict)
    assert metadata["namespace"] == "default"
    assert "namespace" not in str(event["regarding"])


def test_a_long_note_is_cut_to_what_the_api_takes() -> None:
    note = documented(replace(SCALED, note="模" * 1000))["note"]
    assert isinstance(note, str)
    assert len(note.encode()) <= MAX_NOTE
    assert note.endswith("模...")
