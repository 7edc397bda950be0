"""Saved simulation runs, each next to its text. `UPDATE_GOLDEN=1 pytest tests/unit/cli` rewrites them."""

import os
from pathlib import Path

import pytest
from embedding_operator.cli.day_chart import chart
from embedding_operator.cli.simulation_results import Curve, Trial
from embedding_operator.cli.simulation_text import trial_told

SAVED = sorted((Path(__file__).parent / "trials").glob("*.json"))


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_a_saved_trial_is_told_as_expected(path: Path) -> None:
    told = trial_told(Trial.model_validate_json(path.read_text(encoding="utf-8")), width=80)
    expected = path.with_suffix(".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")


def curve(*replicas: int, begin: float = 0.0) -> Curve:
    return Curve(
        begin=begin,
        step=3600.0,
        tokens_per_second=tuple(float(each) for each in replicas),
        waiting=tuple(0 for _ in replicas),
        replicas={"a10": replicas},
        ready={"a10": replicas},
    )


def test_a_column_is_as_high_as_its_replicas() -> None:
    *_, top, middle, bottom, hours = chart(curve(1, 3, 2, 0)).splitlines()
    assert top == "a10                3 │ █"
    assert middle == "                     │ ██"
    assert bottom == "                     │███"
    assert hours == "hour                  00 03"


def test_of_several_moments_in_a_column_the_largest_is_drawn() -> None:
    lines = chart(curve(*[1] * 99, 5, *[1] * 100)).splitlines()
    assert sum(line.count("█") for line in lines[-2:-1]) == 72
    assert lines[-6].strip().endswith("│" + " " * 35 + "█")


def test_nothing_that_runs_is_drawn_as_nothing() -> None:
    assert "█" not in chart(curve(0, 0, 0))


def test_hours_begin_where_the_day_does() -> None:
    assert chart(curve(1, 1, 1, 1, begin=86_400.0 + 5 * 3600.0)).splitlines()[-1] == "hour                   06"
