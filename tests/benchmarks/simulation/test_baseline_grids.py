from collections.abc import Iterator

import pytest
from embedding_operator.simulation.baselines.training import TrainingWeek

from benchmarks.simulation.choice import Try, best
from benchmarks.simulation.grids import BUDGET, Grid, on_one_pool, on_two_pools
from tests.unit.simulation.views import A10, pool, view

T4 = "t4"
WEEK = TrainingWeek(
    pool=A10,
    tokens_per_second=1000,
    load_by_minute=tuple(0.4 + 3 * (minute // 60 % 24 >= 8) for minute in range(7 * 1440)),
)


def grids() -> Iterator[Grid]:
    yield from on_one_pool(WEEK)
    yield from on_two_pools(WEEK, night_pool=T4)


@pytest.mark.parametrize("grid", [pytest.param(grid, id=grid.policy) for grid in grids()])
class TestEveryGrid:
    def test_has_the_same_budget(self, grid: Grid) -> None:
        assert len(grid.candidates) == BUDGET
        assert len({tuple(candidate.items()) for candidate in grid.candidates}) == BUDGET

    def test_holds_the_default(self, grid: Grid) -> None:
        assert grid.default in grid.candidates

    def test_every_setting_makes_a_policy_of_that_name_that_answers(self, grid: Grid) -> None:
        for parameters in grid.candidates:
            policy = grid.build(parameters)
            assert policy.name == grid.policy
            assert policy.period > 0
            shown = [view(now, pool(A10, replicas=2), pool(T4, replicas=0, low=0)) for now in (0.0, policy.period)]
            answers = [policy.look(here) for here in shown]
            assert any(A10 in answer for answer in answers)

    def test_policies_are_made_anew(self, grid: Grid) -> None:
        assert grid.build(grid.default) is not grid.build(grid.default)


def test_policies_have_different_names() -> None:
    names = [grid.policy for grid in grids()]
    assert len(names) == len(set(names)) == 9


def test_fixed_plan_has_its_day_where_the_train_week_was_busiest() -> None:
    (grid,) = on_two_pools(WEEK, night_pool=T4)
    policy = grid.build({"day_hours": 16, "overlap_seconds": 0.0})
    asked = [
        policy.look(view(hour * 3600.0, pool(A10, replicas=0, low=0), pool(T4, replicas=0, low=0)))
        for hour in range(24)
    ]
    assert asked == [{A10: 0, T4: 2}] * 8 + [{A10: 3, T4: 0}] * 16


def tried(cost: float, late: float) -> Try:
    return Try(parameters={}, cost=cost, late_share=late)


@pytest.mark.parametrize(
    ("tries", "chosen"),
    [
        pytest.param([tried(3, 0.001), tried(2, 0.0025), tried(1, 0.003)], 1, id="cheapest of those with a margin"),
        pytest.param([tried(3, 0.003), tried(2, 0.005), tried(1, 0.006)], 1, id="none has a margin: of the punctual"),
        pytest.param([tried(3, 0.02), tried(2, 0.3)], 0, id="none is punctual: the least late"),
        pytest.param([tried(200, 0.002), tried(202, 0.001)], 1, id="as cheap: the less late"),
        pytest.param([tried(200, 0.002), tried(203, 0.001)], 0, id="not as cheap"),
        pytest.param([tried(200, 0.003), tried(201, 0.004), tried(202, 0.002)], 2, id="a margin before the cost"),
        pytest.param([tried(3, 0.2), tried(2, 0.2)], 1, id="equally late: the cheaper"),
    ],
)
def test_best_setting(tries: list[Try], chosen: int) -> None:
    assert best(tries) is tries[chosen]
