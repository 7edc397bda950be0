"""Many jobs: existing results are not computed again, and new results are written."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from embedding_operator.simulation.facts import read_facts

from benchmarks.simulation.jobs import WARM_START, Ground, Job
from benchmarks.simulation.results import Document, Kind, RunKey, Split, path_of, read, write
from benchmarks.simulation.runner import enter, perform_all, run_of
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.stage import stage
from benchmarks.simulation.summary import CLAIRVOYANT, FORESIGHT
from tests.benchmarks.simulation.documents import curve, document, run
from tests.unit.simulation.synthetic import diurnal

FACTS = read_facts()
ONE = Scenario(gpus=("a10",), peak=2.0)


@pytest.fixture(scope="module")
def ground() -> Ground:
    staged = stage(diurnal(rate=2.0), FACTS, peak=2.0, scale=None, days=(1.0, 1.5))
    return Ground(stage=staged, facts=FACTS, prices="aws-us-east-1", scenarios={ONE.name: ONE}, contestants={})


@pytest.fixture
def blank(ground: Ground) -> Document:
    return replace(document(), trace=ground.stage.facts(Split.TEST))


def job(policy: str, *, seed: int = 0, draws: bool = False) -> Job:
    key = RunKey(policy=policy, scenario=ONE.name, start=WARM_START, seed=seed)
    return Job(key=key, split=Split.TEST, parameters={}, draws=draws)


def none() -> Executor:
    """Return an executor that runs no job."""
    workers = ThreadPoolExecutor(1)
    workers.shutdown()
    return workers


def test_a_run_that_was_ended_goes_on_where_it_was(ground: Ground, blank: Document, tmp_path: Path) -> None:
    enter(ground)
    first, second = job(CLAIRVOYANT), job(FORESIGHT)
    with ThreadPoolExecutor(1) as workers:
        (one,) = perform_all([first], workers=workers, blank=blank, folder=tmp_path)
        both = perform_all([first, second], workers=workers, blank=blank, folder=tmp_path)
    assert [each.key for each in both] == [first.key, second.key]
    assert both[0] == one
    assert perform_all([first, second], workers=none(), blank=blank, folder=tmp_path) == both
    path = path_of(tmp_path, trace=blank.trace.name, split=Split.TEST)
    assert {each.key for each in read(path).runs} == {first.key, second.key}


def test_what_other_code_left_is_run_again(blank: Document, tmp_path: Path) -> None:
    bound = replace(run(CLAIRVOYANT, cost=1.0, kind=Kind.BOUND), key=job(CLAIRVOYANT).key)
    old = replace(blank, code=dict.fromkeys(Kind, "another"), runs=(bound,))
    write(old, path_of(tmp_path, trace=blank.trace.name, split=Split.TEST))
    with pytest.raises(RuntimeError, match="after shutdown"):
        perform_all([job(CLAIRVOYANT)], workers=none(), blank=blank, folder=tmp_path)


def test_a_run_with_other_parameters_or_without_its_curve_is_not_the_one(blank: Document) -> None:
    asked = job("Ours", draws=True)
    known = replace(run("Ours", cost=1.0, kind=Kind.OURS), key=asked.key, parameters={"target_utilization": 80.0})
    drawn = replace(curve("Ours"), key=asked.key)
    asked = replace(asked, parameters={"target_utilization": 80.0})
    assert run_of(asked, document=replace(blank, runs=(known,), curves=(drawn,))) == known
    assert run_of(asked, document=replace(blank, runs=(known,))) is None
    other = replace(asked, parameters={"target_utilization": 90.0})
    assert run_of(other, document=replace(blank, runs=(known,), curves=(drawn,))) is None
