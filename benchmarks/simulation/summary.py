"""Summarises runs of several seeds as one row of a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from embedding_operator.simulation.baselines.scaled_objects import FAIR_BASELINE

from benchmarks.simulation.results import Document, Interval, Kind, Run

CLAIRVOYANT = "Clairvoyant"
"""The cheapest plan that knows every request."""

FORESIGHT = "Perfect forecast of one lead"
"""Scaling with the load of one cold start and five minutes ahead known."""

DRAWN_BASELINES = (FAIR_BASELINE, "KEDA queue")
"""The baselines whose days are drawn beside ours."""

LATE = "1"
"""The wait in seconds above which a request is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy in one scenario with one kind of cold start, with means over `seeds` runs.

    `cost` is per day, `ratio` is the cost relative to the clairvoyant on the same requests, None without one.
    Shares are from 0 to 1.
    """

    policy: str
    kind: Kind
    scenario: str
    pools: tuple[str, ...]
    start: str
    tuning: str
    parameters: Mapping[str, float | int | str | bool]
    seeds: int
    cost: Interval
    ratio: Interval | None
    late: Interval
    later_than_half: Interval
    later_than_five: Interval
    worst_window: Interval
    p50: Interval
    p99: Interval
    events_per_day: Interval
    starts_per_day: Interval
    unanswered: Interval


def prices_of(document: Document) -> str:
    """Return the first price table, which the tables use; raise `ValueError` if there is none."""
    for table in document.currencies:
        return table
    raise ValueError("currencies: the document has no price table, so costs cannot be computed")


def rows(document: Document, *, prices: str) -> tuple[Row, ...]:
    """Return a row for each policy, scenario, start and tuning, in the currency of the table `prices`."""
    grouped = groupby(sorted(document.runs, key=_group), key=_group)
    optimum = {
        (run.key.scenario, run.key.start, run.key.seed): run.cost[prices]
        for run in document.runs
        if run.kind is Kind.BOUND and run.key.policy == CLAIRVOYANT and prices in run.cost
    }
    known = ([run for run in runs if prices in run.cost] for _, runs in grouped)
    return tuple(_row(runs, optimum=optimum, prices=prices) for runs in known if runs)


def _row(runs: Sequence[Run], *, optimum: Mapping[tuple[str, str, int], float], prices: str) -> Row:
    first = runs[0]
    ratios = [
        run.cost[prices] / optimum[place]
        for run in runs
        if (place := (run.key.scenario, run.key.start, run.key.seed)) in optimum
    ]
    return Row(
        policy=first.key.policy,
        kind=first.kind,
        scenario=first.key.scenario,
        pools=tuple(first.node_hours),
        start=first.key.start,
        tuning=first.key.tuning,
        parameters=first.parameters,
        seeds=len(runs),
        cost=_mean(runs, lambda run: run.cost[prices] / run.measured_days),
        ratio=Interval.of(ratios) if len(ratios) == len(runs) else None,
        late=_mean(runs, lambda run: run.waits.late_share[LATE]),
        later_than_half=_mean(runs, lambda run: run.waits.late_share["0.5"]),
        later_than_five=_mean(runs, lambda run: run.waits.late_share["5"]),
        worst_window=_mean(runs, lambda run: run.waits.worst_window_share),
        p50=_mean(runs, lambda run: run.waits.p50),
        p99=_mean(runs, lambda run: run.waits.p99),
        events_per_day=_mean(runs, lambda run: run.events_per_day),
        starts_per_day=_mean(runs, lambda run: run.pod_starts_per_day),
        unanswered=_mean(runs, lambda run: (run.timed_out + run.dropped) / max(1, run.requests)),
    )


def _group(run: Run) -> tuple[str, str, str, str]:
    return run.key.scenario, run.key.start, run.key.policy, run.key.tuning


def _mean(runs: Iterable[Run], read: Callable[[Run], float]) -> Interval:
    return Interval.of(read(run) for run in runs)
