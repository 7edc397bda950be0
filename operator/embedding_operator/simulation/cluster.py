"""The pods and nodes behind a service: ordered, started, drained, billed.

A pod gets a lingering node of its pool, or a new one while there is stock; otherwise it waits in line. A node is billed
from its order until it has lingered without a pod for the configured time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from embedding_operator.simulation.facts import NodesFact
from embedding_operator.simulation.queues import Queues
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.starts import Starts


@dataclass(frozen=True, slots=True, kw_only=True)
class SimPoolSpec:
    """One GPU pool: its speed, what policies know of it, and how many nodes there are.

    `tokens_per_second` is the initial estimate that policies see, `hourly_price` the price in the first price table.
    """

    name: str
    gpu: str
    server: Server
    tokens_per_second: float
    hourly_price: float
    min_replicas: int = 0
    max_replicas: int
    stock: int


@dataclass(slots=True, kw_only=True)
class SimNode:
    """One machine. `free_at` is when its pod left; None while it has one."""

    ordered_at: float
    free_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Pod:
    """One replica. It waits for a `node` until `placed_at`; `row` identifies it in the queues once it serves."""

    uid: int
    created_at: float
    node: SimNode | None = None
    placed_at: float | None = None
    due_at: float | None = None
    ready_at: float | None = None
    row: int | None = None


@dataclass(slots=True, kw_only=True)
class Span:
    """A billed period."""

    begin: float
    end: float


@dataclass(slots=True, kw_only=True)
class SimPool:
    """The current state of one pool, and its history.

    `pod_spans` and `node_spans` have ended; `events` are the times at which `replicas` changed, `started` those of
    orders.
    """

    spec: SimPoolSpec
    replicas: int = 0
    pods: list[Pod] = field(default_factory=list)
    draining: list[Pod] = field(default_factory=list)
    nodes: list[SimNode] = field(default_factory=list)
    pod_spans: list[Span] = field(default_factory=list)
    node_spans: list[Span] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    busy_seconds: float = 0.0


class Cluster:
    """Brings pools to the desired replicas."""

    def __init__(self, specs: tuple[SimPoolSpec, ...], *, queues: Queues, starts: Starts, nodes: NodesFact) -> None:
        self.pools = {spec.name: SimPool(spec=spec) for spec in specs}
        self._queues, self._starts, self._nodes = queues, starts, nodes
        self._next_uid = 0
        self._changes = 0

    @property
    def changes(self) -> int:
        """Return a number that changes whenever pods are added, become Ready, or leave."""
        return self._changes

    def settle(self, initial: Mapping[str, int], *, now: float) -> None:
        """Begin with `initial` replicas per pool, already serving."""
        for name, replicas in initial.items():
            pool = self.pools[name]
            pool.replicas = replicas
            for _ in range(replicas):
                pod = self._order(pool, now=now)
                self._serve(pool, pod, now=now)
        self._changes += 1

    def scale(self, targets: Mapping[str, int], *, now: float) -> None:
        """Set the desired replicas to `targets`; pools that are not named keep theirs."""
        for name, replicas in targets.items():
            pool = self.pools[name]
            if replicas == pool.replicas:
                continue
            pool.replicas = replicas
            pool.events.append(now)
            while len(pool.pods) > replicas:
                self._remove(pool, self._victim(pool), now=now)
            while len(pool.pods) < replicas:
                pool.started.append(now)
                self._order(pool, now=now)
            self._changes += 1

    def next_due(self) -> float:
        """Return when the next pod is due to become Ready; infinity if none is starting."""
        due = math.inf
        for pool in self.pools.values():
            for pod in pool.pods:
                if pod.ready_at is None and pod.due_at is not None:
                    due = min(due, pod.due_at)
        return due

    def tend(self, now: float) -> None:
        """Let due pods serve, remove drained ones, release nodes, and start pods that wait in line."""
        for pool in self.pools.values():
            for pod in pool.pods:
                if pod.ready_at is None and pod.due_at is not None and pod.due_at <= now:
                    self._serve(pool, pod, now=now)
                    self._changes += 1
            if pool.draining or len(pool.nodes) > len(pool.pods):
                self._retire(pool, now=now)
            self._place(pool, now=now)

    def close(self, now: float) -> None:
        """End everything: what still runs is billed until `now`."""
        for pool in self.pools.values():
            for pod in (*pool.pods, *pool.draining):
                self._pay(pool, pod, now=now)
            pool.node_spans += [Span(begin=node.ordered_at, end=now) for node in pool.nodes]

    def _order(self, pool: SimPool, *, now: float) -> Pod:
        pod = Pod(uid=self._next_uid, created_at=now)
        self._next_uid += 1
        pool.pods.append(pod)
        self._place(pool, now=now)
        return pod

    def _place(self, pool: SimPool, *, now: float) -> None:
        """Assign nodes to pods that wait for one."""
        for pod in pool.pods:
            if pod.node is not None:
                continue
            lingering = next((node for node in pool.nodes if node.free_at is not None), None)
            if lingering is None and len(pool.nodes) >= pool.spec.stock:
                return
            if lingering is None:
                pod.node = SimNode(ordered_at=now)
                pool.nodes.append(pod.node)
            else:
                pod.node = lingering
                lingering.free_at = None
            pod.placed_at = now
            pod.due_at = now + self._starts.seconds(lingering=lingering is not None)

    def _serve(self, pool: SimPool, pod: Pod, *, now: float) -> None:
        pod.ready_at = now
        pod.row = self._queues.add(pool.spec.server, now=now)

    def _victim(self, pool: SimPool) -> Pod:
        """Return the pod whose removal costs least: not Ready first, then the least busy, then the youngest."""
        occupancy = self._queues.occupancy()
        return min(
            pool.pods,
            key=lambda pod: (
                pod.ready_at is not None,
                occupancy[pod.row].in_flight if pod.row is not None else 0,
                -pod.created_at,
                -pod.uid,
            ),
        )

    def _remove(self, pool: SimPool, pod: Pod, *, now: float) -> None:
        pool.pods.remove(pod)
        if pod.row is None:
            self._end(pool, pod, now=now)
            return
        self._queues.drain(pod.row, now=now)
        pool.draining.append(pod)
        self._retire(pool, now=now)

    def _retire(self, pool: SimPool, *, now: float) -> None:
        for pod in tuple(pool.draining):
            gone_at = self._queues.gone(pod.row) if pod.row is not None else now
            if gone_at is not None:
                pool.draining.remove(pod)
                self._end(pool, pod, now=gone_at)
        for node in tuple(pool.nodes):
            if node.free_at is not None and node.free_at + self._nodes.linger_seconds <= now:
                pool.nodes.remove(node)
                end = max(node.free_at + self._nodes.linger_seconds, node.ordered_at + self._nodes.minimum_seconds)
                pool.node_spans.append(Span(begin=node.ordered_at, end=end))

    def _end(self, pool: SimPool, pod: Pod, *, now: float) -> None:
        self._pay(pool, pod, now=now)
        if pod.node is not None:
            pod.node.free_at = now

    def _pay(self, pool: SimPool, pod: Pod, *, now: float) -> None:
        if pod.placed_at is not None:
            pool.pod_spans.append(Span(begin=pod.placed_at, end=now))
        if pod.row is not None:
            pool.busy_seconds += self._queues.busy_seconds(pod.row)
