"""What a service is compared with on the same trace: a static peak, and a clairvoyant oracle."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from embedding_operator.simulation.arrivals import tokens_per_slot
from embedding_operator.simulation.baselines.planned import Planned
from embedding_operator.simulation.baselines.static_peak import PERCENTILE, UTILIZATION
from embedding_operator.simulation.baselines.training import MINUTE_SECONDS, replicas_for
from embedding_operator.simulation.clairvoyant_bounds import clairvoyant, played
from embedding_operator.simulation.clairvoyant_work import work_of
from embedding_operator.simulation.measures import Measures
from embedding_operator.simulation.policy import SimPolicy
from embedding_operator.simulation.simulation import Setup, Watch
from embedding_operator.simulation.trace import DAY_SECONDS

Run = Callable[[Setup, SimPolicy], Measures]
"""Simulates a policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A policy by its name, the setup that it ran in, and what came of it."""

    name: str
    setup: Setup
    measures: Measures


def mean_and_peak(setup: Setup) -> tuple[float, float]:
    """Return the mean tokens per second of the measured time, and those of its busiest window."""
    rates = setup.trace.token_rates()[setup.counted()]
    return float(rates.mean()), float(rates.max())


def static_peak(setup: Setup, *, name: str, run: Run) -> Compared:
    """Return the result of the first pool alone, permanently sized for the busiest minutes of these very days."""
    first = setup.pools[0]
    tokens = tokens_per_slot(setup.trace, seed=setup.seed, begin=setup.begin, end=setup.end, slot=MINUTE_SECONDS)
    busiest = float(np.quantile(tokens, PERCENTILE / 100, method="inverted_cdf")) / MINUTE_SECONDS
    rates = setup.trace.rates[setup.counted()]
    length = mean_and_peak(setup)[0] / max(1e-9, float(rates.mean()))
    capacity = first.server.capacity(tokens_per_request=length, outstanding=setup.door)
    replicas = max(1, replicas_for(busiest / capacity, utilization=UTILIZATION))
    # A fleet sized for the peak is not bound by the maxReplicas of the service.
    most = max(replicas, first.max_replicas)
    roomy = replace(setup, pools=(replace(first, max_replicas=most, stock=most), *setup.pools[1:]))
    title = f"{name}, {replicas} {first.name}"
    policy = Planned(name=title, plan=lambda _: {first.name: replicas})
    return Compared(name=title, setup=roomy, measures=run(roomy, policy))


def oracle(setup: Setup, *, name: str, run: Run) -> Compared:
    """Return the result of the clairvoyant's plan; its cost is the bound itself."""
    work = work_of(setup)
    bound = clairvoyant(work, setup=setup, prices={pool.name: pool.hourly_price for pool in setup.pools})
    measures = run(setup, played(bound, name=name, work=work, setup=setup))
    return Compared(name=name, setup=setup, measures=replace(measures, node_hours=dict(bound.node_hours)))


def simulated_days(setup: Setup) -> list[int]:
    """Return the days of the trace that are simulated, in order."""
    inside = setup.trace.windows(begin=setup.begin, end=setup.end)
    return sorted({int(window * setup.trace.step // DAY_SECONDS) for window in inside})


def watch_of_day(setup: Setup, *, day: int | None, step: float) -> Watch:
    """Return a watch over `day`, or the busiest day if that is None."""
    if day is None:
        tokens = setup.trace.token_rates()
        loads = dict.fromkeys(simulated_days(setup), 0.0)
        for window in setup.trace.windows(begin=setup.begin, end=setup.end):
            loads[int(window * setup.trace.step // DAY_SECONDS)] += float(tokens[window])
        day = max(loads, key=lambda each: loads[each])
    begin = max(setup.begin, day * DAY_SECONDS)
    return Watch(begin=begin, end=min(setup.end, (day + 1) * DAY_SECONDS), step=step)
