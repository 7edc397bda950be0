"""How the benchmarks determine when pods were Ready, and when they first answered on previously open connections."""

from collections.abc import Iterator

import pytest

from benchmarks.endurance import reached
from benchmarks.live.pod_watch import PodWatch, Start
from e2e.scenarios.endurance_story import FIRST_ANSWERS, Endured


def watched(*lines: str) -> list[Start]:
    seconds: Iterator[float] = iter(range(100))
    watch = PodWatch("any", clock=lambda: next(seconds))
    for line in lines:
        watch.take_in(f"{line}\n")
    return watch.starts()


def answer(engine: str, *, opened_at: float, answered_at: float) -> dict[str, object]:
    return {"engine": engine, "opened_at": opened_at, "answered_at": answered_at}


def test_a_start_goes_from_the_first_sight_of_a_pod_to_its_first_readiness() -> None:
    starts = watched("a ", "b False", "a False", "b True", "a True", "b False", "b True", "c ")

    assert starts == [Start("b", 1, 3), Start("a", 0, 4)]
    assert [start.seconds for start in starts] == [2, 4]


def test_only_connections_that_were_open_before_count() -> None:
    starts = [Start("first", 0, 5), Start("second", 8, 20), Start("third", 8, 30)]
    answers = [
        answer("first", opened_at=6, answered_at=6.1),
        answer("second", opened_at=20.1, answered_at=20.2),
        answer("second", opened_at=6, answered_at=21),
        answer("second", opened_at=7, answered_at=20.5),
        answer("third", opened_at=31, answered_at=31.5),
    ]

    assert reached(starts, answers) == {"p50_s": 0.5, "max_s": 0.5, "seconds": [0.5], "never": ["third"]}


@pytest.mark.parametrize(
    ("sent_at", "seconds", "is_of_the_killed"),
    [(9.9, 0.3, True), (9.0, 0.5, False), (10.5, 5.0, False), (12.0, 0.1, False)],
)
def test_a_killed_engine_is_to_blame_for_what_was_under_way_and_ended_then(
    *, sent_at: float, seconds: float, is_of_the_killed: bool
) -> None:
    failure = {"sent_at": sent_at, "cause": "status 502", "seconds": seconds}
    summaries = {FIRST_ANSWERS: {"failures": [failure]}}
    endured = Endured(seconds=60, events={}, summaries=summaries, killed_from=10.0, killed_until=11.0)

    assert endured.failures() == [{"client": FIRST_ANSWERS, **failure}]
    assert endured.was_computed_by_the_killed(failure) is is_of_the_killed
