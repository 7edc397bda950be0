"""Explanations of saved services, each next to the service. `UPDATE_GOLDEN=1 pytest tests/unit/cli` rewrites them."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus
from embedding_operator.cli.explain import Subject, ahead, passed, story, told
from embedding_operator.cli.saved_status import read_subject

SAVED = sorted((Path(__file__).parent / "stories").glob("*.yaml"))
DECIDED = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""When the saved services were decided on."""

NOW = DECIDED + timedelta(seconds=75)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_saved_service_has_the_expected_story(path: Path) -> None:
    found = told(read_subject(path.read_text(encoding="utf-8"), name=None, origin=path.name), now=NOW, width=80)
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")
    assert max(map(len, found.splitlines())) <= 80


def test_a_status_of_nothing_has_the_beginning_of_a_story() -> None:
    paragraphs = story(Subject(name="qwen", status=EmbeddingServiceStatus()), now=NOW)
    assert [paragraph.heading for paragraph in paragraphs] == ["qwen", "Schedule"]
    assert paragraphs[0].sentences[0] == "It is not known yet whether it is Ready."


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (75, "1 minute 15 seconds"),
        (3600, "1 hour"),
        (3601, "1 hour 1 second"),
        (7384, "2 hours 3 minutes"),
        (180_000, "2 days 2 hours"),
        (-5, "0 seconds"),
    ],
)
def test_how_long_ago_something_was(seconds: int, expected: str) -> None:
    assert passed(DECIDED, now=DECIDED + timedelta(seconds=seconds)) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(15, "in 15 seconds"), (-15, "15 seconds ago")])
def test_what_comes_and_what_should_have_come(seconds: float, expected: str) -> None:
    assert ahead(NOW + timedelta(seconds=seconds), now=NOW) == expected


@pytest.mark.parametrize(("late", "is_said"), [(59, False), (61, True)])
def test_a_change_of_windows_that_was_missed_comes_first(late: float, is_said: bool) -> None:  # noqa: FBT001
    (path,) = [path for path in SAVED if path.stem == "handover"]
    subject = read_subject(path.read_text(encoding="utf-8"), name=None, origin=path.name)
    assert subject.status.schedule is not None
    assert subject.status.schedule.next_transition is not None

    first, *_ = story(subject, now=subject.status.schedule.next_transition + timedelta(seconds=late))

    assert first.sentences[0].startswith("The change of windows at 2026-06-01 13:00 UTC (1 minute") is is_said
