"""Builders of simulated services for the tests of policies."""

from embedding_operator.simulation.policy import PodView, PoolView, SimPolicy, View

A10 = "a10"


def pool(name: str = A10, *, replicas: int, ready: int | None = None, low: int = 1, high: int = 100) -> PoolView:
    ready = replicas if ready is None else ready
    pods = tuple(
        PodView(uid=number, created_at=0.0, ready_at=0.0 if number < ready else None) for number in range(replicas)
    )
    return PoolView(
        name=name,
        replicas=replicas,
        min_replicas=low,
        max_replicas=high,
        tokens_per_second=1000.0,
        hourly_price=1.0,
        pods=pods,
    )


def view(now: float, *pools: PoolView, waiting: int = 0, in_flight: int | None = None, arrived: float = 0.0) -> View:
    return View(
        now=now,
        waiting_requests=waiting,
        waiting_tokens=waiting * 100.0,
        in_flight=waiting if in_flight is None else in_flight,
        arrived_requests=0,
        arrived_tokens=arrived,
        answered_requests=0,
        answered_tokens=0.0,
        pools=pools,
    )


class Service:
    """One pool that gives a policy the replicas it requests at once: its pods start and stop in no time."""

    def __init__(self, policy: SimPolicy, *, replicas: int, low: int = 1, high: int = 100) -> None:
        self.policy = policy
        self.replicas = replicas
        self.now = 0.0
        self._low = low
        self._high = high
        self._arrived = 0.0

    def run(self, seconds: float, *, waiting: int = 0, in_flight: int | None = None, rate: float = 0.0) -> list[int]:
        """Run the policy for `seconds` under one load; return the replicas after each decision."""
        seen = []
        end = self.now + seconds
        while self.now < end:
            here = pool(replicas=self.replicas, low=self._low, high=self._high)
            shown = view(self.now, here, waiting=waiting, in_flight=in_flight, arrived=self._arrived)
            self.replicas = self.policy.look(shown).get(A10, self.replicas)
            seen.append(self.replicas)
            self.now += self.policy.period
            self._arrived += rate * self.policy.period
        return seen
