"""The clairvoyant and the perfect forecast as runs of a document."""

from collections.abc import Callable, Mapping

import numpy as np
from embedding_operator.simulation.clairvoyant_bounds import Bound, clairvoyant, perfect_forecast
from embedding_operator.simulation.clairvoyant_work import Work
from embedding_operator.simulation.simulation import Setup

from benchmarks.simulation.results import Kind, Run, RunKey, Waits
from benchmarks.simulation.summary import CLAIRVOYANT, FORESIGHT

DAY_SECONDS = 86_400.0

Prices = Mapping[str, float]


def bounds(work: Work, *, setup: Setup, scenario: str, prices: Mapping[str, Prices]) -> tuple[Run, ...]:
    """Return the runs of both bounds of one scenario, cold start and seed.

    `prices` are those of a node-hour by table and pool. Each table has a clairvoyant of its own, since it decides what
    pools are worth; node hours are of the first. Bounds have no requests and no waits: they count work, and carry it.
    """

    def best(table: Prices) -> Bound:
        return clairvoyant(work, setup=setup, prices=table)

    def forecast(table: Prices) -> Bound:
        return perfect_forecast(work, setup=setup, prices=table)

    described = {CLAIRVOYANT: best, FORESIGHT: forecast}
    return tuple(
        _run(find, name=name, setup=setup, scenario=scenario, prices=prices) for name, find in described.items()
    )


def _run(
    find: Callable[[Prices], Bound], *, name: str, setup: Setup, scenario: str, prices: Mapping[str, Prices]
) -> Run:
    found = {table: find(rates) for table, rates in prices.items()}
    first = next(iter(found.values()))
    days = float(np.count_nonzero(setup.counted())) * setup.trace.step / DAY_SECONDS
    changes = [np.diff(replicas, axis=0) for replicas in first.replicas]
    return Run(
        key=RunKey(policy=name, scenario=scenario, start=setup.start.name, seed=setup.seed),
        kind=Kind.BOUND,
        parameters={"overloaded_hours": round(first.overloaded_hours, 3)},
        measured_days=days,
        requests=0,
        tokens=0,
        answered=0,
        timed_out=0,
        dropped=0,
        waits=Waits(late_share={"0.5": 0.0, "1": 0.0, "5": 0.0}, worst_window_share=0.0, p50=0.0, p99=0.0),
        pod_hours=first.node_hours,
        node_hours=first.node_hours,
        cost={table: bound.cost for table, bound in found.items()},
        events_per_day=sum(int(np.count_nonzero(change)) for change in changes) / days,
        pod_starts_per_day=sum(int(np.maximum(change, 0).sum()) for change in changes) / days,
    )
