"""The simulated scenarios: scaled traces, fitted windows, and the competing policies."""

from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.baselines.training import TrainingWeek
from embedding_operator.simulation.facts import read_facts
from embedding_operator.simulation.trace import Lengths

from benchmarks.simulation.contestants import contestants
from benchmarks.simulation.jobs import night_speed
from benchmarks.simulation.results import Kind, Split
from benchmarks.simulation.scenarios import Scenario, seed_capacity
from benchmarks.simulation.stage import MOST_REQUESTS_PER_SECOND, stage, training_week
from tests.unit.simulation.synthetic import diurnal, steady

FACTS = read_facts()
WEEK = TrainingWeek(
    pool="a10",
    tokens_per_second=6880.0,
    load_by_minute=tuple(0.1 if minute % 1440 < 480 else 3.5 for minute in range(7 * 1440)),
)
ONE, TWO = Scenario(gpus=("a10",), peak=6.0), Scenario(gpus=("a10", "t4"), peak=6.0)


def test_a_trace_is_scaled_so_that_its_busiest_windows_keep_the_peak_busy() -> None:
    trace = diurnal(rate=5.0)
    staged = stage(trace, FACTS, peak=3.0, scale=None, days=None)
    server = FACTS.server(model="Qwen3-Embedding-4B", gpu="a10")
    capacity = server.capacity(tokens_per_request=100.0, outstanding=64)
    assert staged.peak == pytest.approx(3.0)
    assert np.quantile(staged.trace.token_rates(), 0.999) == pytest.approx(3.0 * 0.98 * capacity, rel=0.01)
    assert staged.spans[Split.TEST] == (7 * 86_400.0, 14 * 86_400.0)


def test_short_requests_are_held_to_a_rate_that_can_be_computed() -> None:
    trace = steady(rate=100.0, days=14.0, lengths=Lengths.constant(10))
    staged = stage(trace, FACTS, peak=6.0, scale=None, days=None)
    assert staged.trace.rates[0] == pytest.approx(MOST_REQUESTS_PER_SECOND)
    assert staged.peak < 6.0


def test_a_stated_scale_and_stated_days_are_kept() -> None:
    staged = stage(diurnal(rate=5.0), FACTS, peak=6.0, scale=2.5, days=(1.0, 2.0))
    facts = staged.facts(Split.TEST)
    assert (facts.scale, facts.begin, facts.end) == (2.5, 86_400.0, 2 * 86_400.0)
    assert facts.mean_requests_per_second == pytest.approx(12.5, rel=0.01)
    assert facts.mean_tokens_per_request == pytest.approx(100.0)


def test_plans_are_fitted_with_what_a_server_computes_and_not_with_the_operators_estimate() -> None:
    """A rate trigger is a plan, too: with an estimate that is too high, it would be late for no reason."""
    week = training_week(stage(diurnal(rate=5.0), FACTS, peak=3.0, scale=None, days=None), FACTS)
    server = FACTS.server(model="Qwen3-Embedding-4B", gpu="a10")
    assert week.tokens_per_second == server.capacity(tokens_per_request=100.0, outstanding=64)
    assert week.tokens_per_second < seed_capacity(FACTS, gpu="a10")
    assert week.peak(percentile=99.0) == pytest.approx(3.0, rel=0.1)


def test_plans_are_not_fitted_to_gaps() -> None:
    trace = diurnal(rate=5.0)
    gaps = np.zeros(len(trace.rates), dtype=np.bool_)
    gaps[6:12] = True
    week = training_week(stage(replace(trace, gaps=gaps), FACTS, peak=3.0, scale=None, days=None), FACTS)
    assert np.flatnonzero(np.isnan(week.load_by_minute)).tolist() == list(range(60, 120))


def test_days_beyond_the_trace_are_refused() -> None:
    with pytest.raises(ValueError, match="ends on day 2"):
        stage(diurnal(rate=5.0, days=2.0), FACTS, peak=6.0, scale=1.0, days=(7.0, 8.0))


def test_windows_hold_the_floor_of_the_train_week() -> None:
    spec = ONE.spec(parameters={"floor_percentile": 50.0, "target_utilization": 70.0}, week=WEEK, night_speed=0.3)
    assert spec.schedule is not None
    windows = [(each.start, each.end, each.pools[0].min_replicas) for each in spec.schedule.windows]
    assert windows == [("00:00", "08:00", 1), ("08:00", "24:00", 4)]
    assert spec.scaling.target_utilization == 70
    assert spec.pools[0].max_replicas == 12


def test_a_t4_takes_the_hours_that_it_can_carry_with_an_a10_to_spill_to() -> None:
    spec = TWO.spec(parameters={"floor_percentile": 50.0}, week=WEEK, night_speed=0.3)
    assert spec.schedule is not None
    night, day = spec.schedule.windows
    assert [(each.gpu_pool, each.min_replicas) for each in night.pools] == [("t4", 1), ("a10", 0)]
    assert [(each.gpu_pool, each.min_replicas) for each in day.pools] == [("a10", 4), ("t4", 0)]


def test_without_a_floor_there_is_no_schedule() -> None:
    assert ONE.spec(parameters={}, week=WEEK, night_speed=0.3).schedule is None


def test_policies_are_told_the_seed_of_the_operator() -> None:
    (a10,) = ONE.pools(FACTS, prices="aws-us-east-1")
    assert a10.tokens_per_second == seed_capacity(FACTS, gpu="a10") == pytest.approx(6880.0, rel=0.01)
    assert a10.hourly_price == 1.006
    assert night_speed(FACTS) == pytest.approx(0.8 * 0.455, rel=0.01)


@pytest.mark.parametrize("percentile", [0.0, 50.0])
def test_a_service_on_two_pools_never_sleeps_as_no_other_policy_does(percentile: float) -> None:
    spec = TWO.spec(parameters={"floor_percentile": percentile}, week=WEEK, night_speed=0.3)
    assert spec.scaling.idle_seconds == 86_400


@pytest.mark.parametrize("scenario", [ONE, TWO])
def test_every_policy_can_be_built_with_every_setting_that_is_tried(scenario: Scenario) -> None:
    competing = contestants(scenario, week=WEEK, night_speed=0.3)
    for contestant in competing:
        for parameters in (contestant.default, *contestant.candidates):
            assert contestant.build(parameters).period > 0
    ours = next(each for each in competing if each.kind is Kind.OURS)
    assert len(ours.candidates) == 12
    assert len({each.policy for each in competing}) == len(competing)
