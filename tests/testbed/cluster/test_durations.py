from pathlib import Path

import pytest

from testbed.cluster.durations import Durations


def test_without_measurements_the_defaults_hold() -> None:
    assert Durations(None).usual("building", default=60) == 60


def test_a_measured_step_takes_what_it_took() -> None:
    durations = Durations(None)
    durations.record("building", default=60, seconds=200)
    assert durations.usual("building", default=60) == 200


def test_other_steps_are_scaled_by_what_this_machine_showed() -> None:
    durations = Durations(None)
    durations.record("long", default=480, seconds=1680)
    assert durations.usual("another", default=60) == 180


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.1, 55, 60), (60, 60, 90)])
def test_a_short_step_says_next_to_nothing_of_the_machine(seconds: float, least: float, most: float) -> None:
    durations = Durations(None)
    durations.record("short", default=10, seconds=seconds)
    assert least <= durations.usual("another", default=60) <= most


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
