"""The capacity that the measured load needs, in tokens per second.

    Q'     = max(0, Q - 0.25 s * ready capacity)          one waiting batch is normal, in tokens and in requests
    Q*     the backlog expected when replicas that start are Ready                 (`backlog_forecast`)
    help   = max(lambda + Q* / drain, ceil(Q' / target) * capacity of a replica)
    up     = max(lambda / rho,           help)            grow to this
    middle = max(lambda / (0.875 * rho), help)            land here when shrinking
    down   = max(lambda / (0.75 * rho),  help)            shrink only if this is below what is held

Queue length alone cannot hold a steady state: with enough replicas the queue is empty, so the answer would fall to the
minimum and the queue would come back. The arrival rate lambda is the feed-forward, the queue the feedback on top of it.

Requests that only wait for the previous batch are excluded, as their tokens are. Eight requests of 65 tokens are 75 ms
of work: with all of them counted, one day of a real trace had 60 changes of replicas and cost 1.31 times the optimum;
without them, 15 and 1.18, and no request was late in either case.

Requests that are less than a second of work for the ready capacity finish before any is late, unless the queue
persists: they count only if there was a queue at the last decision as well. Two days of requests of 25 tokens, on one
replica that was two thirds busy, had 115 changes of replicas a day without this rule and have 22 with it.
"""

import math
from typing import NamedTuple

from embedding_operator.domain.demand.backlog_forecast import Outlook, Serving
from embedding_operator.domain.observation import Load, ScalingPolicy

BATCH_SECONDS = 0.25
BLIP_SECONDS = 1.0
LASTING_SECONDS = 4.0
"""Two decisions are five seconds apart, or slightly less: a queue that both see has lasted."""

LANDING = 0.875
PERMISSION = 0.75


class Lines(NamedTuple):
    """The three lines of the decision, and the two terms behind them, in tokens per second."""

    up: float
    middle: float
    down: float
    rate_term: float
    queue_term: float


def lines_of(
    load: Load,
    *,
    policy: ScalingPolicy,
    ready_capacity: float,
    replica_capacity: float,
    queued_seconds: float,
    ahead: Outlook,
) -> Lines:
    """Return the capacity that `load` needs.

    `ready_capacity` is the capacity that serves now, `replica_capacity` that of one replica of the preferred pool,
    `queued_seconds` how long there has been a queue, `ahead` the capacity still to come. An arrival rate that is not
    known yet counts as 0; the caller must not shrink on it.
    """
    arrival = load.arrival_tokens_per_second or 0.0
    rate_term = arrival / policy.target_utilization
    backlog = max(0.0, load.queue_tokens - BATCH_SECONDS * ready_capacity)
    serving = Serving(
        ready=ready_capacity,
        needed=rate_term,
        drain_seconds=policy.drain_seconds,
        # The gateway holds requests for a first replica much longer than for their turn.
        patience_seconds=policy.patience_seconds if ready_capacity > 0 else math.inf,
    )
    waiting_replicas = 0
    if queued_seconds >= LASTING_SECONDS or load.work_that_waits >= BLIP_SECONDS * ready_capacity:
        in_batch = BATCH_SECONDS * ready_capacity / max(1.0, load.tokens_per_request)
        waiting_replicas = math.ceil(max(0.0, load.queue_requests - in_batch) / policy.queue_requests_per_replica)
    queue_term = max(
        ahead.needed(arrival=arrival, backlog=backlog, serving=serving),
        min(waiting_replicas * replica_capacity, ahead.asked),
    )
    return Lines(
        up=max(rate_term, queue_term),
        middle=max(rate_term / LANDING, queue_term),
        down=max(rate_term / PERMISSION, queue_term),
        rate_term=rate_term,
        queue_term=queue_term,
    )
