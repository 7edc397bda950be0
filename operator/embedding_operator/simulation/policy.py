"""What a scaling policy may see of a simulated service, and what it returns. Ours and every baseline are policies.

A view is created at every decision. Views are named tuples, as a frozen dataclass takes three times as long to create.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class PodView(NamedTuple):
    """One replica that was ordered and not removed. Times are seconds since the trace began.

    `ready_at` is None while it starts, `has_node` is False while its pool is out of stock. `in_flight` counts requests,
    being computed and queued, `queue_tokens` the tokens in its queue, `done_tokens` those that it has computed.
    """

    uid: int
    created_at: float
    ready_at: float | None
    has_node: bool = True
    in_flight: int = 0
    queue_tokens: float = 0.0
    done_tokens: float = 0.0


class PoolView(NamedTuple):
    """One GPU pool: its desired replicas, and its pods. `tokens_per_second` is the initial estimate, not the truth.

    `hourly_price` is that of one replica.
    """

    name: str
    replicas: int
    min_replicas: int
    max_replicas: int
    tokens_per_second: float
    hourly_price: float
    pods: tuple[PodView, ...]

    @property
    def ready(self) -> int:
        """Return the number of serving replicas."""
        return sum(1 for pod in self.pods if pod.ready_at is not None)


class View(NamedTuple):
    """The service `now` seconds into the trace, as a scrape at this very moment shows it.

    `waiting_requests` and `waiting_tokens` are at the gateway or in a replica's queue; `in_flight` counts these and the
    requests being computed; `held_requests`, with `held_tokens`, are at the gateway. Totals are counters since the
    trace began.
    """

    now: float
    waiting_requests: int
    waiting_tokens: float
    in_flight: int
    arrived_requests: int
    arrived_tokens: float
    answered_requests: int
    answered_tokens: float
    pools: tuple[PoolView, ...]
    held_requests: int = 0
    held_tokens: float = 0.0

    def pool(self, name: str) -> PoolView:
        """Return the pool called `name`; raise `KeyError` if there is none."""
        return {pool.name: pool for pool in self.pools}[name]


class SimPolicy(Protocol):
    """Decides every `period` seconds how many replicas each pool should have."""

    @property
    def name(self) -> str:
        """Return the name in tables and plots."""

    @property
    def period(self) -> float:
        """Return the seconds from one decision to the next."""

    def look(self, view: View) -> Mapping[str, int]:
        """Return the desired replicas per pool; a pool that is not named keeps its replicas."""
