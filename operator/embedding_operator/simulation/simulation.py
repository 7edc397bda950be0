"""Simulates one policy on one service and one part of a trace: requests arrive, the policy decides, pods follow."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embedding_operator.simulation import kernel
from embedding_operator.simulation.arrivals import Arrivals, arrivals
from embedding_operator.simulation.cluster import Cluster, Pod, SimPool, SimPoolSpec
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.kernel import Flags
from embedding_operator.simulation.measures import Measures, measure
from embedding_operator.simulation.policy import PodView, PoolView, SimPolicy, View
from embedding_operator.simulation.queues import Counted, Occupancy, Queues
from embedding_operator.simulation.starts import Starts
from embedding_operator.simulation.trace import Trace

WARM_UP_SECONDS = 3600.0
"""Time before anything is measured, so that the initial state of a policy does not matter."""

INITIAL_UTILIZATION = 0.7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """Everything but the policy. The measured time lies between `begin` and `end`, in seconds since the trace began.

    At most `door` requests are at one replica; one that has waited for `patience` seconds times out. Both are the
    gateway's defaults: two pods with `maxConnectionsPerEngine` each, and `queueTimeoutSeconds`.
    """

    trace: Trace
    begin: float
    end: float
    pools: tuple[SimPoolSpec, ...]
    start: StartFact
    warm_start: StartFact
    nodes: NodesFact
    seed: int
    door: int = 64
    patience: float = 60.0

    @property
    def opens(self) -> float:
        """Return when the simulation begins: the warm-up before the measured time, if the trace begins that early."""
        return max(0.0, self.begin - WARM_UP_SECONDS)

    @property
    def closes(self) -> float:
        """Return when it ends: after all measured requests have begun or timed out, if the trace is that long."""
        return min(self.trace.seconds, self.end + self.patience)

    def counted(self) -> Flags:
        """Return whether each window of the trace is measured: not in gaps, and not during the warm-up."""
        windows = np.arange(len(self.trace.rates)) * self.trace.step
        inside = (windows >= max(self.begin, self.opens + WARM_UP_SECONDS)) & (windows < self.end)
        return inside & ~self.trace.gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The state of the service at one instant, for plots."""

    at: float
    arrived_tokens: int
    waiting: int
    replicas: dict[str, int]
    ready: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """When moments are kept: every `step` seconds from `begin` to `end`."""

    begin: float
    end: float
    step: float = 60.0


NEVER = Watch(begin=math.inf, end=math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOutcome:
    """The result of a simulation."""

    measures: Measures
    moments: tuple[Moment, ...]
    decisions: int


def simulate(setup: Setup, policy: SimPolicy, *, watch: Watch = NEVER) -> SimOutcome:
    """Return the outcome of `policy` on `setup`. The same arguments give the same outcome."""
    return _Run(setup, policy, watch=watch).outcome()


class _Run:
    def __init__(self, setup: Setup, policy: SimPolicy, *, watch: Watch) -> None:
        self._setup, self._policy, self._watch = setup, policy, watch
        self._counted = setup.counted()
        self._queues = Queues(
            counted=Counted(flags=self._counted, step=setup.trace.step),
            door=setup.door,
            patience=setup.patience,
        )
        starts = Starts(cold=setup.start, warm=setup.warm_start, seed=setup.seed)
        self._cluster = Cluster(setup.pools, queues=self._queues, starts=starts, nodes=setup.nodes)
        self._moments: list[Moment] = []
        self._looks = 0

    def outcome(self) -> SimOutcome:
        setup = self._setup
        self._cluster.settle(_initial(setup), now=setup.opens)
        for window in setup.trace.windows(begin=setup.opens, end=setup.closes):
            came = arrivals(setup.trace, window=window, seed=setup.seed)
            begin = max(setup.opens, window * setup.trace.step)
            first = int(np.searchsorted(came.times, begin))
            self._through(came, first=first, begin=begin, end=min(setup.closes, (window + 1) * setup.trace.step))
        # Where the trace ends with the span, waiting requests are still served, and no new ones arrive.
        self._queues.advance(np.zeros(0), np.zeros(0, dtype=np.int64), first=0, until=setup.closes + 2 * setup.patience)
        self._cluster.close(setup.closes)
        return SimOutcome(
            measures=measure(
                self._queues.station,
                pools=tuple(self._cluster.pools.values()),
                counted=self._counted,
                step=setup.trace.step,
                patience=setup.patience,
            ),
            moments=tuple(self._moments),
            decisions=self._looks,
        )

    def _through(self, came: Arrivals, *, first: int, begin: float, end: float) -> None:
        """Advance from `begin` to `end`, from one event that changes the service to the next."""
        now = begin
        while now < end:
            if now >= self._next_look():
                self._look(now)
            if now >= self._next_moment():
                self._keep(now)
            until = min(end, self._next_look(), self._next_moment(), self._cluster.next_due())
            first = self._queues.advance(came.times, came.tokens, first=first, until=until)
            now = until
            self._cluster.tend(now)

    def _next_look(self) -> float:
        return self._setup.opens + self._looks * self._policy.period

    def _next_moment(self) -> float:
        moment = self._watch.begin + len(self._moments) * self._watch.step
        return moment if moment < self._watch.end else math.inf

    def _look(self, now: float) -> None:
        self._looks += 1
        self._cluster.scale(self._policy.look(self._view(now)), now=now)

    def _view(self, now: float) -> View:
        station = self._queues.station
        totals = station.totals.tolist()
        cursor = station.cursor.tolist()
        occupancy = self._queues.occupancy()
        held, held_tokens = cursor[kernel.GATEWAY_COUNT], cursor[kernel.GATEWAY_TOKENS]
        ended = totals[kernel.ANSWERED] + totals[kernel.TIMED_OUT] + totals[kernel.DROPPED]
        return View(
            now=now,
            waiting_requests=held + sum([each.waiting for each in occupancy.values()]),
            waiting_tokens=held_tokens + sum([each.queue_tokens for each in occupancy.values()]),
            in_flight=totals[kernel.ARRIVED] - ended,
            arrived_requests=totals[kernel.ARRIVED],
            arrived_tokens=totals[kernel.ARRIVED_TOKENS],
            answered_requests=totals[kernel.ANSWERED],
            answered_tokens=totals[kernel.ANSWERED_TOKENS],
            held_requests=held,
            held_tokens=held_tokens,
            pools=tuple([_pool_view(pool, occupancy=occupancy) for pool in self._cluster.pools.values()]),
        )

    def _keep(self, now: float) -> None:
        station = self._queues.station
        at_replicas = sum(each.waiting for each in self._queues.occupancy().values())
        self._moments.append(
            Moment(
                at=now,
                arrived_tokens=int(station.totals[kernel.ARRIVED_TOKENS]),
                waiting=int(station.cursor[kernel.GATEWAY_COUNT]) + at_replicas,
                replicas={name: pool.replicas for name, pool in self._cluster.pools.items()},
                ready={
                    name: sum(pod.ready_at is not None for pod in pool.pods)
                    for name, pool in self._cluster.pools.items()
                },
            )
        )


def _pool_view(pool: SimPool, *, occupancy: Mapping[int, Occupancy]) -> PoolView:
    return PoolView(
        name=pool.spec.name,
        replicas=pool.replicas,
        min_replicas=pool.spec.min_replicas,
        max_replicas=pool.spec.max_replicas,
        tokens_per_second=pool.spec.tokens_per_second,
        hourly_price=pool.spec.hourly_price,
        pods=tuple([_pod_view(pod, occupancy=occupancy) for pod in pool.pods]),
    )


def _pod_view(pod: Pod, *, occupancy: Mapping[int, Occupancy]) -> PodView:
    if pod.row is None:
        return PodView(uid=pod.uid, created_at=pod.created_at, ready_at=None, has_node=pod.node is not None)
    here = occupancy[pod.row]
    return PodView(
        uid=pod.uid,
        created_at=pod.created_at,
        ready_at=pod.ready_at,
        in_flight=here.in_flight,
        queue_tokens=here.queue_tokens,
        done_tokens=here.done_tokens,
    )


def _initial(setup: Setup) -> dict[str, int]:
    """Return the replicas of the first pool for the initial load, the same for every policy."""
    first = setup.pools[0]
    load = setup.trace.token_rates()[int(setup.opens // setup.trace.step)]
    wanted = math.ceil(load / (INITIAL_UTILIZATION * first.tokens_per_second))
    return {first.name: max(1, min(wanted, first.max_replicas, first.stock))}
