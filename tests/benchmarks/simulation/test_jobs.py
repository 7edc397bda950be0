"""The result of one run of the benchmark."""

import pytest
from embedding_operator.simulation.facts import read_facts

from benchmarks.simulation.__main__ import _is_wanted
from benchmarks.simulation.jobs import WARM_START, Ground, Job, perform
from benchmarks.simulation.results import RunKey, Split
from benchmarks.simulation.scenarios import Scenario
from benchmarks.simulation.stage import stage
from benchmarks.simulation.summary import CLAIRVOYANT
from tests.unit.simulation.synthetic import diurnal

FACTS = read_facts()


def test_a_bound_has_a_plan_for_the_prices_of_each_table() -> None:
    """Where a T4 costs more than an A10, the cheapest plan has no T4: the plan for other prices is no bound there."""
    staged = stage(diurnal(rate=5.0), FACTS, peak=3.0, scale=None, days=(1.0, 2.0))
    scenario = Scenario(gpus=("a10", "t4"), peak=3.0)
    ground = Ground(
        stage=staged, facts=FACTS, prices="aws-us-east-1", scenarios={scenario.name: scenario}, contestants={}
    )
    key = RunKey(policy=CLAIRVOYANT, scenario=scenario.name, start=WARM_START, seed=0)
    run, curve = perform(Job(key=key, split=Split.TEST, parameters={}), ground=ground)
    assert curve is None
    assert run.node_hours["t4"] > 0.0
    tables = {table.name: table for table in FACTS.prices}
    assert run.cost.keys() == tables.keys()
    for name, table in tables.items():
        played = sum(hours * (table.of(gpu) or 0.0) for gpu, hours in run.node_hours.items())
        assert run.cost[name] <= played + 1e-9
    assert run.cost["alibaba-guangzhou"] < sum(
        hours * (tables["alibaba-guangzhou"].of(gpu) or 0.0) for gpu, hours in run.node_hours.items()
    )


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ([], {"Ours", "Ours without schedule", "KEDA queue", "KEDA queue + rate"}),
        (["ours"], {"Ours", "Ours without schedule"}),
        (["=ours=", "+ rate"], {"Ours", "KEDA queue + rate"}),
    ],
)
def test_policies_are_chosen_by_a_part_of_their_name_or_by_all_of_it(wanted: list[str], chosen: set[str]) -> None:
    policies = ("Ours", "Ours without schedule", "KEDA queue", "KEDA queue + rate")
    assert {policy for policy in policies if _is_wanted(policy, wanted)} == chosen
