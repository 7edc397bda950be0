from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.simulation.results import (
    Curve,
    Document,
    Interval,
    Kind,
    Run,
    RunKey,
    Split,
    TraceFacts,
    Waits,
    path_of,
    read,
    write,
)

KEY = RunKey(policy="ours", scenario="a10+t4", start="D1", seed=0)
RUN = Run(
    key=KEY,
    kind=Kind.OURS,
    parameters={"target_utilization": 0.8},
    measured_days=7.0,
    requests=3,
    tokens=300,
    answered=1,
    timed_out=1,
    dropped=1,
    waits=Waits(late_share={"0.5": 1.0, "1": 0.5, "5": 0.25}, worst_window_share=1.0, p50=0.1, p99=2.0),
    pod_hours={"a10": 3.0},
    node_hours={"a10": 3.5},
    cost={"aws": 3.52},
    events_per_day=12.0,
    pod_starts_per_day=6.0,
)
CURVE = Curve(key=KEY, begin=0.0, step=60.0, arrival=[1.0], waiting=[2.0], replicas={"a10": [3]}, ready={"a10": [2]})
FACTS = TraceFacts(
    name="m-small-26",
    source="servegen",
    split=Split.TEST,
    begin=604800.0,
    end=1209600.0,
    scale=2.0,
    scaling="rates multiplied",
    mean_requests_per_second=1.0,
    mean_tokens_per_second=65.0,
    peak_tokens_per_second=120.0,
    mean_tokens_per_request=65.0,
    masked_hours=6.0,
)
DOCUMENT = Document(
    machine={"cores": 2},
    measured="2026-11-21",
    commit="abc",
    code=dict.fromkeys(Kind, "0123"),
    trace=FACTS,
    assumptions=(),
    currencies={"aws": "USD"},
    runs=(RUN,),
    curves=(CURVE,),
)


def test_reads_what_it_wrote(tmp_path: Path) -> None:
    path = path_of(tmp_path / "new", trace="m-small-26", split=Split.TEST)
    write(DOCUMENT, path)
    assert path.name == "m-small-26-test.json"
    again = read(path)
    assert again.runs == DOCUMENT.runs
    assert again.trace == DOCUMENT.trace
    assert again.curves[0].replicas == CURVE.replicas


def test_newer_runs_replace_older_ones_of_the_same_key_and_keep_the_others() -> None:
    other = replace(RUN, key=replace(KEY, seed=1))
    older = replace(DOCUMENT, runs=(replace(RUN, requests=9), other))
    assert DOCUMENT.merged(older).runs == (RUN, other)


def test_nothing_is_kept_of_a_trace_at_another_scale_or_of_other_code() -> None:
    other = (replace(RUN, key=replace(KEY, seed=1)),)
    for older in (
        replace(DOCUMENT, trace=replace(FACTS, scale=3.0), runs=other),
        replace(DOCUMENT, code=dict.fromkeys(Kind, "4567"), runs=other),
    ):
        assert DOCUMENT.merged(older).runs == (RUN,)


def test_other_code_for_one_kind_of_run_takes_no_other_kind_away() -> None:
    ours, theirs = replace(RUN, key=replace(KEY, seed=1)), replace(RUN, key=replace(KEY, policy="KEDA"))
    theirs = replace(theirs, kind=Kind.BASELINE)
    curves = tuple(replace(CURVE, key=run.key) for run in (ours, theirs))
    older = replace(DOCUMENT, code={**DOCUMENT.code, Kind.OURS: "4567"}, runs=(ours, theirs), curves=curves)
    kept = DOCUMENT.merged(older)
    assert {run.key for run in kept.runs} == {KEY, theirs.key}
    assert {curve.key for curve in kept.curves} == {KEY, theirs.key}


def test_results_of_an_earlier_commit_with_the_same_code_are_kept() -> None:
    other = replace(RUN, key=replace(KEY, seed=1))
    assert DOCUMENT.merged(replace(DOCUMENT, commit="x", runs=(other,))).runs == (RUN, other)


def test_interval_over_seeds_is_students() -> None:
    interval = Interval.of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.mean == 3.0
    assert interval.high - interval.mean == pytest.approx(2.776 * 1.5811388 / 5**0.5)


def test_one_seed_has_no_width() -> None:
    assert Interval.of([2.0]) == Interval(mean=2.0, low=2.0, high=2.0, count=1)


def test_no_seed_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Interval.of([])
