"""The grid of shifted weeks: what a cell is, and what the rule says about them."""

import json
import sys
from pathlib import Path

import pytest
from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE

from benchmarks.simulation import robustness
from benchmarks.simulation.contestants import FITTED, OURS
from benchmarks.simulation.robustness_page import Cell, page, rows, verdicts


def week(
    shift: str = "x 1",
    *,
    ours: tuple[float, float] = (10.0, 0.001),
    fitted: tuple[float, float] = (10.0, 0.001),
    fair: tuple[float, float] = (11.0, 0.001),
) -> list[Cell]:
    """Return the cells of a week with (cost, late) of each policy."""
    figures = {OURS: ours, FITTED: fitted, FAIR_BASELINE: fair}
    return [
        Cell(client="a", shift=shift, policy=policy, seed=0, days=7.0, cost=cost, late=late)
        for policy, (cost, late) in figures.items()
    ]


def said(*weeks: list[Cell]) -> list[str]:
    return list(verdicts(list(rows([cell for cells in weeks for cell in cells]))))


def test_a_plan_that_costs_more_than_three_percent_anywhere_is_not_recommended() -> None:
    floors, *_ = said(week(), week("x 0.25", fitted=(15.0, 0.0)))
    assert floors == (
        "Hourly floors fitted to the train week cost more than 3 % over not having them on 1 of 2 weeks, at most 50% "
        "(a, x 0.25): they are neither on by default nor recommended."
    )
    assert said(week(fitted=(10.3, 0.0)))[0].endswith("allowed by the rule.")


def test_defaults_are_held_against_the_fair_baseline_where_that_is_punctual() -> None:
    _, late, dear = said(week(ours=(12.0, 0.006)), week("x 2", ours=(12.0, 0.006), fair=(11.0, 0.006)))
    assert late == "Defaults later than 0.5 % where KEDA queue + rate is not: a, x 1: 0.60 % against 0.10 %."
    assert dear.endswith("at most 0.5 % late: a, x 1: 1.09 times.")
    assert all(line.endswith("nowhere.") for line in said(week())[1:])


def test_seeds_are_averaged_and_incomplete_weeks_left_out() -> None:
    second = [Cell(**{**{name: getattr(each, name) for name in each.__slots__}, "seed": 1}) for each in week()]
    (row,) = rows([*week(ours=(20.0, 0.0)), *second, *week("x 2")[:2]])
    assert row.ours.cost == 15.0


def test_the_page_says_what_was_run() -> None:
    text = page([*week(), *week("x 4")])
    assert "Run: 2 weeks of 7 days with 1 seed each." in text
    assert "| a | x 4 | 10.00 | 0.10 % | 0 | 10.00 | 0.10 % | +0% | 11.00 | 0.10 % |" in text


def test_cells_of_other_code_are_run_again(tmp_path: Path) -> None:
    path = tmp_path / "robustness.json"
    cells = [{name: getattr(each, name) for name in each.__slots__} for each in week()]
    path.write_text(json.dumps({"code": {"ours": "abc"}, "cells": cells}), encoding="utf-8")
    assert list(robustness._known(path, code={"ours": "abc"}).values()) == week()
    assert robustness._known(path, code={"ours": "abd"}) == {}
    assert robustness._known(tmp_path / "none.json", code={}) == {}


def test_what_cannot_be_run_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["robustness", "--traces", str(tmp_path), "--clients", "nothing"])
    assert robustness.main() == 1
    assert "error: " in capsys.readouterr().err
