"""Simulates a service on a trace with the operator's own decisions, beside a static peak and a clairvoyant oracle.

Imports packages that the extra `simulation` installs.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.cli.coming_week import NOT_SELECTING
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.replica_speed import pools_of, speed_of, tariff_of
from embedding_operator.cli.service_file import ServiceFile
from embedding_operator.cli.simulation_results import Curve, Late, Played, PoolFacts, Trial
from embedding_operator.domain.capacity.estimate import replica_capacity
from embedding_operator.simulation import kernel
from embedding_operator.simulation.comparison import mean_and_peak, oracle, simulated_days, static_peak, watch_of_day
from embedding_operator.simulation.facts import Facts
from embedding_operator.simulation.measures import Measures
from embedding_operator.simulation.ours import Ours
from embedding_operator.simulation.policy import SimPolicy, View
from embedding_operator.simulation.simulation import NEVER, Setup, SimOutcome, Watch, simulate
from embedding_operator.simulation.trace import DAY_SECONDS, Trace

WARM_START = "D1"
CURVE_SECONDS = 300.0
MOST_STATES = 10_000
"""The most mixes of pools for which the clairvoyant's plan is found within a minute."""

CONNECTIONS_PER_ENGINE = 32
"""The connections of a gateway pod to an engine until the operator has learned a limit."""

OWN, STATIC, CLAIRVOYANT = "this service", "static peak", "clairvoyant"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to run: days since the trace began, cold starts by name, and the day that the chart shows."""

    days: tuple[float, float] | None = None
    start: str = WARM_START
    seed: int = 0
    scale: float = 1.0
    chart_day: int | None = None


class _Announced:
    """A policy that reports the progress of the simulation once per simulated day."""

    def __init__(self, policy: SimPolicy, *, title: str, until: float, say: Say) -> None:
        self._policy, self._title, self._until, self._say = policy, title, until, say
        self._day = -1
        self.name, self.period = policy.name, policy.period

    def look(self, view: View) -> Mapping[str, int]:
        day = int(view.now // DAY_SECONDS)
        if day > self._day and view.now < self._until:
            self._day = day
            self._say(f"{self._title}: day {day}, until {self._until / DAY_SECONDS:g}")
        return self._policy.look(view)


def try_out(file: ServiceFile, *, trace: Trace, facts: Facts, wish: Wish, say: Say) -> Trial:
    """Return the results of the service on `trace`; raise `CommandError` if it cannot be run as requested."""
    setup = _setup(file, trace=trace.scaled(wish.scale), facts=facts, wish=wish)
    watch = _watch(setup, day=wish.chart_day)
    mean, peak = mean_and_peak(setup)
    own = _run(setup, Ours(file.spec, cluster=file.schedules, name=OWN), watch=watch, say=say)

    def run(setup: Setup, policy: SimPolicy) -> Measures:
        return _run(setup, policy, say=say).measures

    compared = [static_peak(setup, name=STATIC, run=run)]
    notes = list(_not_played(file))
    states = math.prod(pool.max_replicas + 1 for pool in setup.pools)
    if states <= MOST_STATES:
        say(f"{CLAIRVOYANT}: computing its plan")
        compared.append(oracle(setup, name=CLAIRVOYANT, run=run))
    else:
        notes.append(f"no clairvoyant: {states:,} mixes of pools are too many to search")
    tariff = tariff_of(file, facts=facts)
    return Trial(
        service=file.name,
        trace=trace.name,
        source=trace.source,
        scale=wish.scale,
        first_day=setup.begin / DAY_SECONDS,
        last_day=setup.end / DAY_SECONDS,
        measured_days=own.measures.days,
        start=wish.start,
        start_seconds=setup.start.median,
        seed=wish.seed,
        requests=own.measures.requests,
        requests_per_second=own.measures.requests / (own.measures.days * DAY_SECONDS),
        tokens_per_second=mean,
        peak_tokens_per_second=peak,
        currency=tariff.currency,
        price_source=tariff.source,
        pools=tuple(_facts(file, pool=pool.name, setup=setup, facts=facts) for pool in setup.pools),
        played=(
            _played(own.measures, setup=setup, name=OWN),
            *(_played(each.measures, setup=each.setup, name=each.name) for each in compared),
        ),
        curve=_curve(own, watch=watch),
        notes=tuple(notes),
    )


def _not_played(file: ServiceFile) -> Iterator[str]:
    for name in file.not_selecting:
        yield NOT_SELECTING.format(name=name)
    if file.spec.scaling.triggers:
        names = ", ".join(trigger.name for trigger in file.spec.scaling.triggers)
        yield f"triggers are not simulated ({names}): a trace has no external queues"
    if file.spec.allocation is Allocation.CHEAPEST and not any(
        pool.gpu_pool in file.stated for pool in file.spec.pools
    ):
        yield "the cheapest mix is based on the prices above: in a cluster, the GPUPools must set them as pricePerHour"


def _setup(file: ServiceFile, *, trace: Trace, facts: Facts, wish: Wish) -> Setup:
    length = trace.seconds / DAY_SECONDS
    first, last = wish.days or (0.0, min(7.0, length))
    if first >= length:
        message = f"--days: {trace.name} has {length:.3g} days, counted from 0: choose days before {first:g}"
        raise CommandError(message)
    try:
        start, warm = facts.start(wish.start), facts.start(WARM_START)
    except KeyError as error:
        message = f"--start: {error.args[0]}"
        raise CommandError(message) from error
    gateway = file.spec.gateway
    setup = Setup(
        trace=trace,
        begin=first * DAY_SECONDS,
        end=min(last, length) * DAY_SECONDS,
        pools=pools_of(file, facts=facts, tariff=tariff_of(file, facts=facts)),
        start=start,
        warm_start=warm,
        nodes=facts.nodes,
        seed=wish.seed,
        door=gateway.replicas * (gateway.max_connections_per_engine or CONNECTIONS_PER_ENGINE),
        patience=float(gateway.queue_timeout_seconds),
    )
    if not setup.counted().any():
        message = (
            f"--days: nothing of {trace.name} between day {first:g} and {setup.end / DAY_SECONDS:.3g} can be measured: "
            "the first hour of a trace is warm-up, and gaps in the source do not count: choose more days"
        )
        raise CommandError(message)
    return setup


def _watch(setup: Setup, *, day: int | None) -> Watch:
    """Return the day that the chart shows: the busiest, unless one is named."""
    days = simulated_days(setup)
    if day is not None and day not in days:
        message = f"--chart-day: day {day} is not simulated: choose one from {days[0]} to {days[-1]}"
        raise CommandError(message)
    return watch_of_day(setup, day=day, step=CURVE_SECONDS)


def _run(setup: Setup, policy: SimPolicy, *, say: Say, watch: Watch = NEVER) -> SimOutcome:
    return simulate(setup, _Announced(policy, title=policy.name, until=setup.end, say=say), watch=watch)


def _played(measures: Measures, *, setup: Setup, name: str) -> Played:
    """Return one column of the results."""
    late = dict(zip(kernel.LATE_SECONDS, measures.late_share, strict=True))
    hours = {pool.name: measures.node_hours[pool.name] / measures.days for pool in setup.pools}
    return Played(
        name=name,
        cost=sum(pool.hourly_price * hours[pool.name] for pool in setup.pools),
        gpu_hours=hours,
        late=Late(
            after_half_second=late[0.5],
            after_one_second=late[1.0],
            after_five_seconds=late[5.0],
            after_one_second_in_worst_five_minutes=measures.worst_window_share,
            given_up=(measures.timed_out + measures.dropped) / max(1, measures.requests),
        ),
        wait_p50=measures.wait_p50,
        wait_p99=measures.wait_p99,
        scale_events=measures.events_per_day,
        pod_starts=measures.pod_starts_per_day,
    )


def _facts(file: ServiceFile, *, pool: str, setup: Setup, facts: Facts) -> PoolFacts:
    spec = next(each for each in setup.pools if each.name == pool)
    full = spec.server.batch_tokens / spec.server.seconds(tokens=spec.server.batch_tokens, requests=1)
    told = replica_capacity(file.spec, pool=pool, gpu=file.gpu_pools.get(pool)).tokens_per_second
    source = speed_of(file, pool=pool, facts=facts).source
    differs = abs(told / full - 1.0) > 0.01  # noqa: PLR2004 - a difference that a reader would notice
    return PoolFacts(
        name=pool,
        tokens_per_second=full,
        requests_per_second=1.0 / spec.server.per_request,
        source=f"{source}; the operator assumes {told:,.0f}" if differs else source,
        price_per_hour=spec.hourly_price,
        max_replicas=spec.max_replicas,
    )


def _curve(outcome: SimOutcome, *, watch: Watch) -> Curve:
    moments = outcome.moments
    tokens = [moment.arrived_tokens for moment in moments]
    rates = [(later - earlier) / watch.step for earlier, later in pairwise(tokens)]
    pools = moments[0].replicas if moments else {}
    return Curve(
        begin=watch.begin,
        step=watch.step,
        tokens_per_second=tuple(round(rate, 1) for rate in (*rates, *rates[-1:])),
        waiting=tuple(moment.waiting for moment in moments),
        replicas={pool: tuple(moment.replicas[pool] for moment in moments) for pool in pools},
        ready={pool: tuple(moment.ready[pool] for moment in moments) for pool in pools},
    )
