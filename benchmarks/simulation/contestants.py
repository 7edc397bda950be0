"""The policies that compete: ours with its ablations, and the baselines, each with its default and tried settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from embedding_operator.simulation.baselines.training import TrainingWeek
from embedding_operator.simulation.ours import Ours
from embedding_operator.simulation.policy import SimPolicy

from benchmarks.simulation.grids import Grid, Parameters, on_one_pool, on_two_pools
from benchmarks.simulation.results import Kind
from benchmarks.simulation.scenarios import DAY_POOL, NIGHT_POOL, Scenario

OURS, FITTED = "Ours", "Ours with hourly floors"
DEFAULT: Parameters = {"target_utilization": 80.0, "floor_percentile": 0.0}
"""No windows. Hourly floors fitted to one week make another one dearer, see ROBUSTNESS.md."""

FITTED_FLOORS: Parameters = {**DEFAULT, "floor_percentile": 25.0}
"""The 25th percentile of the hour's minutes in the train week: the best of 0, 25 and 50 on the train weeks."""

UTILIZATIONS = (70.0, 80.0, 90.0, 95.0)
FLOORS = (0.0, 25.0, 50.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One policy of a scenario. `build` creates a new one, since policies have state."""

    policy: str
    kind: Kind
    default: Parameters
    candidates: tuple[Parameters, ...]
    build: Callable[[Parameters], SimPolicy]


def contestants(scenario: Scenario, *, week: TrainingWeek, night_speed: float) -> tuple[Contestant, ...]:
    """Return all policies that can scale `scenario`; `night_speed` is the capacity of a T4 in A10s."""
    grids = on_one_pool(week) if scenario.gpus == (DAY_POOL,) else on_two_pools(week, night_pool=NIGHT_POOL)
    ours = partial(_ours, scenario=scenario, week=week, night_speed=night_speed)
    tries = tuple(
        {"target_utilization": utilization, "floor_percentile": floor}
        for utilization in UTILIZATIONS
        for floor in FLOORS
    )
    return (
        Contestant(policy=OURS, kind=Kind.OURS, default=DEFAULT, candidates=tries, build=ours),
        _ablation(FITTED, default=FITTED_FLOORS, build=ours),
        _ablation("Ours without feed-forward", default=DEFAULT, build=partial(ours, hears_rate=False)),
        _ablation("Ours without queue term", default=DEFAULT, build=partial(ours, hears_queue=False)),
        *map(_baseline, grids),
    )


def _ours(
    parameters: Parameters,
    *,
    scenario: Scenario,
    week: TrainingWeek,
    night_speed: float,
    hears_queue: bool = True,
    hears_rate: bool = True,
) -> SimPolicy:
    spec = scenario.spec(parameters=parameters, week=week, night_speed=night_speed)
    return Ours(spec, hears_queue=hears_queue, hears_rate=hears_rate)


def _ablation(policy: str, *, default: Parameters, build: Callable[[Parameters], SimPolicy]) -> Contestant:
    return Contestant(policy=policy, kind=Kind.ABLATION, default=default, candidates=(), build=build)


def _baseline(grid: Grid) -> Contestant:
    return Contestant(
        policy=grid.policy, kind=Kind.BASELINE, default=grid.default, candidates=grid.candidates, build=grid.build
    )
