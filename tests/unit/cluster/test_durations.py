from pathlib import Path

import pytest

from e2e.cluster.durations import Durations


def test_without_measurements_the_defaults_hold() -> None:
    assert Durations(None).usual("building", default=60) == 60


def test_a_measured_step_takes_what_it_took() -> None:
    durations = Durations(None)
    durations.record("building", default=60, seconds=200)
    assert durations.usual("building", default=60) == 200


def test_other_steps_are_scaled_by_the_median_of_this_machine() -> None:
    durations = Durations(None)
    for title, seconds in (("one", 30), ("two", 20), ("three", 500)):
        durations.record(title, default=10, seconds=seconds)
    assert durations.usual("another", default=60) == 180


def test_short_steps_say_nothing_of_the_machine() -> None:
    durations = Durations(None)
    durations.record("blink", default=0.1, seconds=5)
    assert durations.usual("another", default=60) == 60


@pytest.mark.parametrize(("seconds", "expected"), [(100_000, 600), (0.001, 12)])
def test_absurd_measurements_do_not_make_absurd_estimates(seconds: float, expected: float) -> None:
    durations = Durations(None)
    durations.record("one", default=10, seconds=seconds)
    assert durations.usual("another", default=60) == expected


def test_times_are_kept_from_one_process_to_the_next(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "durations.json"
    Durations(file).record("building", default=60, seconds=200)
    assert Durations(file).usual("building", default=60) == 200


@pytest.mark.parametrize("text", ["", "[]", '{"building": 3}', '{"building": {"seconds": "x", "default": 1}}'])
def test_a_broken_file_is_as_good_as_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "durations.json"
    file.write_text(text)
    durations = Durations(file)
    assert durations.usual("building", default=60) == 60
    durations.record("building", default=60, seconds=200)
    assert Durations(file).usual("building", default=60) == 200
