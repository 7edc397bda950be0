"""Performs one run in its own process: its input and its result."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from embedding_operator.simulation import kernel
from embedding_operator.simulation.clairvoyant_bounds import clairvoyant, perfect_forecast, played
from embedding_operator.simulation.clairvoyant_work import SimWork, work_of
from embedding_operator.simulation.facts import Facts, Prices
from embedding_operator.simulation.measures import Measures
from embedding_operator.simulation.policy import SimPolicy, View
from embedding_operator.simulation.simulation import NEVER, Moment, Setup, SimOutcome, Watch, simulate
from embedding_operator.simulation.trace import DAY_SECONDS

from benchmarks.simulation.contestants import Contestant
from benchmarks.simulation.grids import Parameters
from benchmarks.simulation.results import Curve, Kind, Run, RunKey, Split, Waits
from benchmarks.simulation.scenarios import Scenario, seed_capacity
from benchmarks.simulation.stage import Stage
from benchmarks.simulation.summary import CLAIRVOYANT, FORESIGHT

WARM_START = "D1"
BOUNDS = (CLAIRVOYANT, FORESIGHT)
CURVE_SECONDS = 60.0
NIGHT_UTILIZATION = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of one policy on the trace of the stage."""

    key: RunKey
    split: Split
    parameters: Parameters
    draws: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all jobs on one trace need. `contestants` are by scenario and policy; `prices` names the first table."""

    stage: Stage
    facts: Facts
    prices: str
    scenarios: Mapping[str, Scenario]
    contestants: Mapping[tuple[str, str], Contestant]


class Timed:
    """A policy, and the seconds that its decisions took."""

    def __init__(self, policy: SimPolicy) -> None:
        self._policy = policy
        self.seconds = 0.0
        self.name, self.period = policy.name, policy.period

    def look(self, view: View) -> Mapping[str, int]:
        begun = time.perf_counter()
        replicas = self._policy.look(view)
        self.seconds += time.perf_counter() - begun
        return replicas


def perform(job: Job, *, ground: Ground) -> tuple[Run, Curve | None]:
    """Return the result of `job`."""
    begun = time.perf_counter()
    setup = _setup(job, ground=ground)
    if job.key.policy in BOUNDS:
        return _bound(job, setup=setup, ground=ground, begun=begun), None
    contestant = ground.contestants[job.key.scenario, job.key.policy]
    policy = Timed(contestant.build(job.parameters))
    watch = _watch(setup) if job.draws else NEVER
    outcome = simulate(setup, policy, watch=watch)
    run = _run(
        job,
        kind=contestant.kind,
        outcome=outcome,
        node_hours=outcome.measures.node_hours,
        ground=ground,
        seconds=(time.perf_counter() - begun, policy.seconds),
    )
    return run, _curve(job.key, outcome.moments, watch=watch) if job.draws else None


def night_speed(facts: Facts) -> float:
    """Return the load, in replicas of A10, that one T4 may carry."""
    return NIGHT_UTILIZATION * seed_capacity(facts, gpu="t4") / seed_capacity(facts, gpu="a10")


def _setup(job: Job, *, ground: Ground) -> Setup:
    begin, end = ground.stage.spans[job.split]
    return Setup(
        trace=ground.stage.trace,
        begin=begin,
        end=end,
        pools=ground.scenarios[job.key.scenario].pools(ground.facts, prices=ground.prices),
        start=ground.facts.start(job.key.start),
        warm_start=ground.facts.start(WARM_START),
        nodes=ground.facts.nodes,
        seed=job.key.seed,
    )


def _bound(job: Job, *, setup: Setup, ground: Ground, begun: float) -> Run:
    """Return a bound: its own cost, and the lateness of its plan for the first table's prices when simulated.

    The cheapest mix of pools depends on their prices, so each table has its own plan.
    """
    work: SimWork = work_of(setup)
    best = clairvoyant if job.key.policy == CLAIRVOYANT else perfect_forecast
    bounds = {
        table.name: best(work, setup=setup, prices=prices)
        for table in ground.facts.prices
        if (prices := _prices(table, setup=setup)) is not None
    }
    bound = bounds[ground.prices]
    outcome = simulate(setup, played(bound, name=job.key.policy, work=work, setup=setup))
    seconds = (time.perf_counter() - begun, 0.0)
    run = _run(job, kind=Kind.BOUND, outcome=outcome, node_hours=bound.node_hours, ground=ground, seconds=seconds)
    return replace(run, cost={name: each.cost for name, each in bounds.items()})


def _prices(table: Prices, *, setup: Setup) -> dict[str, float] | None:
    """Return the prices by pool; None if the provider lacks one of the GPUs."""
    prices = {pool.name: price for pool in setup.pools if (price := table.of(pool.gpu)) is not None}
    return prices if len(prices) == len(setup.pools) else None


def _run(
    job: Job,
    *,
    kind: Kind,
    outcome: SimOutcome,
    node_hours: Mapping[str, float],
    ground: Ground,
    seconds: tuple[float, float],
) -> Run:
    measures = outcome.measures
    return Run(
        key=job.key,
        kind=kind,
        parameters=dict(job.parameters),
        measured_days=measures.days,
        requests=measures.requests,
        tokens=measures.tokens,
        answered=measures.answered,
        timed_out=measures.timed_out,
        dropped=measures.dropped,
        waits=_waits(measures),
        pod_hours=measures.pod_hours,
        node_hours=dict(node_hours),
        cost=_cost(node_hours, scenario=ground.scenarios[job.key.scenario], tables=ground.facts.prices),
        events_per_day=measures.events_per_day,
        pod_starts_per_day=measures.pod_starts_per_day,
        idle_pod_hours=measures.idle_pod_hours,
        decisions=outcome.decisions,
        wall_seconds=round(seconds[0], 1),
        decide_seconds=round(seconds[1], 1),
    )


def _waits(measures: Measures) -> Waits:
    return Waits(
        late_share={f"{limit:g}": share for limit, share in zip(kernel.LATE_SECONDS, measures.late_share, strict=True)},
        worst_window_share=measures.worst_window_share,
        p50=measures.wait_p50,
        p99=measures.wait_p99,
    )


def _cost(node_hours: Mapping[str, float], *, scenario: Scenario, tables: tuple[Prices, ...]) -> dict[str, float]:
    """Return the cost by price table; a provider without one of the GPUs has none."""
    costs = {}
    for table in tables:
        prices = {gpu: table.of(gpu) for gpu in scenario.gpus}
        if None not in prices.values():
            costs[table.name] = sum(hours * (prices[gpu] or 0.0) for gpu, hours in node_hours.items())
    return costs


def _watch(setup: Setup) -> Watch:
    """Return the second day of the span, or the first if there is only one."""
    begin = setup.begin + DAY_SECONDS if setup.end - setup.begin >= 2 * DAY_SECONDS else setup.begin
    return Watch(begin=begin, end=min(begin + DAY_SECONDS, setup.end), step=CURVE_SECONDS)


def _curve(key: RunKey, moments: tuple[Moment, ...], *, watch: Watch) -> Curve:
    tokens = [moment.arrived_tokens for moment in moments]
    rates = [(later - earlier) / watch.step for earlier, later in pairwise(tokens)]
    pools = moments[0].replicas if moments else {}
    return Curve(
        key=key,
        begin=watch.begin,
        step=watch.step,
        arrival=[round(rate, 1) for rate in (*rates, *rates[-1:])],
        waiting=[moment.waiting for moment in moments],
        replicas={pool: [moment.replicas[pool] for moment in moments] for pool in pools},
        ready={pool: [moment.ready[pool] for moment in moments] for pool in pools},
    )
