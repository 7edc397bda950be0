"""Pods and nodes: which pods get a node, how long starts take, and what is billed."""

import numpy as np
import pytest
from embedding_operator.simulation.cluster import Cluster, SimPool, SimPoolSpec, Span
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.queues import Counted, Queues
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.starts import Starts

SERVER = Server(floor=10.0, per_batch=0.0, per_token=0.0, per_request=0.0, batch_tokens=100, batch_requests=1)
COLD = StartFact(name="cold", median=300.0, sigma=0.0, source="test")
WARM = StartFact(name="warm", median=50.0, sigma=0.0, source="test")
NOTHING = (np.zeros(0), np.zeros(0, dtype=np.int64))


class World:
    """One pool of at most `stock` nodes, and a clock."""

    def __init__(self, *, stock: int = 10, linger: float = 60.0, minimum: float = 60.0) -> None:
        self.queues = Queues(counted=Counted(flags=np.ones(100, dtype=np.bool_), step=600.0), door=4, patience=1e6)
        spec = SimPoolSpec(
            name="a10", gpu="a10", server=SERVER, tokens_per_second=1.0, hourly_price=1.0, max_replicas=10, stock=stock
        )
        nodes = NodesFact(linger_seconds=linger, minimum_seconds=minimum, source="test")
        self.cluster = Cluster((spec,), queues=self.queues, starts=Starts(cold=COLD, warm=WARM, seed=1), nodes=nodes)
        self.now = 0.0

    @property
    def pool(self) -> SimPool:
        return self.cluster.pools["a10"]

    @property
    def ready(self) -> int:
        return sum(pod.ready_at is not None for pod in self.pool.pods)

    def ask(self, replicas: int) -> None:
        self.cluster.scale({"a10": replicas}, now=self.now)

    def until(self, moment: float) -> None:
        while self.now < moment:
            self.now = min(moment, self.cluster.next_due())
            self.queues.advance(*NOTHING, first=0, until=self.now)
            self.cluster.tend(self.now)


def test_a_pod_serves_when_its_start_is_over() -> None:
    world = World()
    world.ask(2)
    world.until(299.0)
    assert world.ready == 0
    world.until(300.0)
    assert world.ready == 2


def test_a_node_is_billed_from_its_order_until_it_lingered() -> None:
    world = World()
    world.ask(1)
    world.until(1000.0)
    world.ask(0)
    world.until(2000.0)
    assert world.pool.pod_spans == [Span(begin=0.0, end=1000.0)]
    assert world.pool.node_spans == [Span(begin=0.0, end=1060.0)]


def test_a_node_that_was_hardly_used_is_billed_for_the_shortest_time() -> None:
    world = World(linger=5.0, minimum=60.0)
    world.ask(1)
    world.until(10.0)
    world.ask(0)
    world.until(100.0)
    assert world.pool.node_spans == [Span(begin=0.0, end=60.0)]


def test_a_pod_on_a_node_that_lingers_starts_warm_and_the_node_is_billed_once() -> None:
    world = World()
    world.ask(1)
    world.until(400.0)
    world.ask(0)
    world.until(430.0)
    world.ask(1)
    world.until(480.0)
    assert world.ready == 1
    world.ask(0)
    world.until(1000.0)
    assert world.pool.node_spans == [Span(begin=0.0, end=540.0)]


def test_pods_beyond_the_stock_wait_for_a_node_and_cost_nothing() -> None:
    world = World(stock=1)
    world.ask(3)
    world.until(2000.0)
    assert world.ready == 1
    assert len(world.pool.nodes) == 1
    world.cluster.close(2000.0)
    assert world.pool.pod_spans == [Span(begin=0.0, end=2000.0)]


def test_a_pod_in_line_gets_the_node_of_one_that_left() -> None:
    world = World(stock=1)
    world.ask(2)
    world.until(400.0)
    first = next(pod for pod in world.pool.pods if pod.ready_at is not None)
    world.pool.pods.sort(key=lambda pod: pod is first)
    world.cluster._remove(world.pool, first, now=world.now)
    world.until(401.0)
    world.until(451.0)
    assert world.ready == 1


def test_pods_that_start_leave_before_those_that_serve() -> None:
    world = World()
    world.ask(1)
    world.until(400.0)
    world.ask(2)
    world.until(410.0)
    world.ask(1)
    assert world.ready == 1


def test_a_busy_pod_is_paid_for_until_it_has_answered() -> None:
    world = World()
    world.ask(1)
    world.until(300.0)
    world.queues.advance(np.array([300.0]), np.array([1]), first=0, until=301.0)
    world.now = 301.0
    world.ask(0)
    assert world.pool.pod_spans == []
    world.until(400.0)
    assert world.pool.pod_spans == [Span(begin=0.0, end=310.0)]


def test_starts_scatter_around_their_median_and_repeat_with_the_seed() -> None:
    scattered = StartFact(name="D1", median=52.0, sigma=0.25, source="test")
    one, same = (Starts(cold=scattered, warm=WARM, seed=7) for _ in range(2))
    drawn = [one.seconds(lingering=False) for _ in range(2000)]
    assert drawn == [same.seconds(lingering=False) for _ in range(2000)]
    assert np.median(drawn) == pytest.approx(52.0, rel=0.03)
    assert np.log(drawn).std() == pytest.approx(0.25, rel=0.05)
