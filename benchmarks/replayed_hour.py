"""One hour of a trace in ten minutes, for a service that is scaled in a cluster and in the simulator.

The times between requests, their lengths and the shape of the hour are the trace's; its rates are multiplied so that
the busiest ten minutes need most of the replicas. The operator's own times in seconds are unchanged in both.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.simulation.arrivals import arrivals
from embedding_operator.simulation.cluster import SimPoolSpec
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.kernel import Floats, Integers
from embedding_operator.simulation.ours import Ours
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup, Watch, simulate
from embedding_operator.simulation.trace import Lengths, Trace

from testbed.harness.world import Object, pool, service

TRACE = "m_small-31"
HOUR = 205
"""Of the trace: the load falls by a third, stays there, and triples within ten minutes."""

FASTER = 6
HOUR_SECONDS = 3600.0
IDLE_SECONDS = 30
"""Before the first request, with one replica, so that both begin in the same state."""

TAIL_SECONDS = 120
"""After the last request, while all replicas but one are removed."""
SECONDS = round(IDLE_SECONDS + HOUR_SECONDS / FASTER + TAIL_SECONDS)
SEED = 20260801

POOL, MOST_REPLICAS = "a10", 8
TOKENS_PER_SECOND = 1000
PEAK_SHARE = 0.6
"""The load of the busiest ten minutes, as a share of what all replicas compute."""

BATCH_TOKENS, BATCH_SECONDS = 512, 0.03
SECONDS_PER_TOKEN = 1 / TOKENS_PER_SECOND - BATCH_SECONDS / BATCH_TOKENS
START_AFTER_SECONDS, READY_AFTER_SECONDS = 2, 8
NO_PATIENCE_LOST = 3600.0
MOST_AT_ONE_ENGINE = 4096
"""No request waits at a gateway, as there is none."""

TICKS = 5
"""The number of seconds at which a poll may begin."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requests:
    """When requests come, in seconds since the replay began, and their tokens."""

    instants: Floats
    tokens: Integers


def requests_of(trace: Trace) -> Requests:
    """Return the hour of `trace`, scaled and compressed."""
    windows = slice(round(HOUR * HOUR_SECONDS / trace.step), round((HOUR + 1) * HOUR_SECONDS / trace.step))
    busiest = float(trace.token_rates()[windows].max())
    factor = PEAK_SHARE * MOST_REPLICAS * TOKENS_PER_SECOND / busiest
    hour = replace(
        trace,
        step=trace.step / FASTER,
        rates=trace.rates[windows] * factor,
        laws=trace.laws[windows],
        shapes=trace.shapes[windows],
        gaps=trace.gaps[windows],
        lengths=Lengths(np.zeros(1), (trace.lengths.at(HOUR * HOUR_SECONDS),)),
    )
    came = [arrivals(hour, window=window, seed=SEED) for window in range(len(hour.rates))]
    return Requests(
        instants=np.concatenate([each.times for each in came]) + IDLE_SECONDS,
        tokens=np.concatenate([each.tokens for each in came]),
    )


def embedding_service(name: str) -> Object:
    """Return the service for both; as the hour is six times as fast, so are the windows that depend on its length."""
    starts = {"test/start-after": f"{START_AFTER_SECONDS}s", "test/ready-after": f"{READY_AFTER_SECONDS}s"}
    scaling: dict[str, Any] = {
        "queue": {"drainSeconds": 5},
        "scaleDown": {"stabilizationSeconds": 50, "maxPercentPerMinute": 100},
    }
    return service(
        name,
        pools=[{**pool(POOL, most=MOST_REPLICAS), "tokensPerSecond": TOKENS_PER_SECOND}],
        scaling=scaling,
        podTemplate={"metadata": {"annotations": starts}},
    )


def simulated(requests: Requests, *, phase: int) -> list[int]:
    """Return the desired replicas in each second; the operator first polls `phase` seconds before the replay."""
    spec = EmbeddingServiceSpec.model_validate(embedding_service("simulated")["spec"])
    setup = _setup(requests, phase=phase)
    watch = Watch(begin=float(phase), end=float(phase + SECONDS), step=1.0)
    moments = simulate(setup, Ours(spec), watch=watch).moments
    return [moment.replicas[POOL] for moment in moments]


def _setup(requests: Requests, *, phase: int) -> Setup:
    start = StartFact(
        name="KWOK", median=START_AFTER_SECONDS + READY_AFTER_SECONDS, sigma=0.0, source="annotations of the pods"
    )
    server = Server(
        floor=0.0,
        per_batch=BATCH_SECONDS,
        per_token=SECONDS_PER_TOKEN,
        per_request=0.0,
        batch_tokens=BATCH_TOKENS,
        batch_requests=MOST_AT_ONE_ENGINE,
    )
    return Setup(
        trace=_recorded(requests, phase=phase),
        begin=0.0,
        end=float(phase + SECONDS),
        pools=(
            SimPoolSpec(
                name=POOL,
                gpu=POOL,
                server=server,
                tokens_per_second=TOKENS_PER_SECOND,
                hourly_price=1.0,
                min_replicas=1,
                max_replicas=MOST_REPLICAS,
                stock=MOST_REPLICAS,
            ),
        ),
        start=start,
        warm_start=start,
        nodes=NodesFact(linger_seconds=0.0, minimum_seconds=0.0, source="not billed"),
        seed=SEED,
        door=MOST_AT_ONE_ENGINE,
        patience=NO_PATIENCE_LOST,
    )


def _recorded(requests: Requests, *, phase: int) -> Trace:
    """Return the requests as a trace that is replayed unchanged."""
    step = float(IDLE_SECONDS)
    instants = requests.instants + phase
    windows = -(-(SECONDS + phase) // IDLE_SECONDS)
    return Trace(
        name=TRACE,
        source="compressed",
        step=step,
        rates=np.bincount((instants // step).astype(np.int64), minlength=windows) / step,
        laws=np.zeros(windows, dtype=np.int8),
        shapes=np.ones(windows),
        gaps=np.zeros(windows, dtype=np.bool_),
        lengths=Lengths.constant(max(1, round(float(requests.tokens.mean())))),
        instants=instants,
        sizes=requests.tokens,
    )
