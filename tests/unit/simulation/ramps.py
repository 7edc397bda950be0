"""Loads that change faster than replicas start, and what the operator's decision does with them."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.simulation.cluster import SimPoolSpec
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.ours import Ours
from embedding_operator.simulation.policy import View
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup, simulate
from embedding_operator.simulation.trace import Law, Lengths, Trace

MINUTE, HOUR = 60.0, 3600.0
STEP = 30.0
REPLICA = 1000.0
"""Tokens per second of one replica."""

TOKENS = 500
"""Long requests, so that an hour takes a second to simulate."""

SERVER = Server(floor=0.0, per_batch=0.0, per_token=1 / REPLICA, per_request=0.0, batch_tokens=500, batch_requests=64)


class Outcome(NamedTuple):
    """The most replicas that were wanted at once, the share of late requests, replica-hours, and changes."""

    most: int
    late: float
    hours: float
    changes: int


class Watched:
    """The operator's decision, and the replicas that it wanted over time."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        self.name, self.period = ours.name, ours.period
        self.wanted: list[int] = []

    def look(self, view: View) -> Mapping[str, int]:
        replicas = self._ours.look(view)
        self.wanted.append(sum(replicas.values()))
        return replicas


def driven(
    load: Callable[[float], float],
    *,
    hours: float,
    start_seconds: float,
    start_spread: float = 0.0,
    scaling: Mapping[str, object] | None = None,
    at_most: int = 1000,
    seed: int = 1,
) -> Outcome:
    """Return the outcome of `load`, in tokens per second by seconds, after an hour of its first value.

    Starts take `start_seconds`, with `start_spread` as the sigma of their logarithm.
    """
    count = math.ceil((HOUR + hours * HOUR) / STEP)
    rates = np.array([load(max(0.0, (index + 0.5) * STEP - HOUR)) / TOKENS for index in range(count)])
    trace = Trace(
        name="ramp",
        source="synthetic",
        step=STEP,
        rates=rates,
        laws=np.full(count, Law.GAMMA, dtype=np.int8),
        shapes=np.ones(count),
        gaps=np.zeros(count, dtype=np.bool_),
        lengths=Lengths.constant(TOKENS),
    )
    pool = SimPoolSpec(
        name="a10",
        gpu="a10",
        server=SERVER,
        tokens_per_second=REPLICA,
        hourly_price=1.0,
        min_replicas=1,
        max_replicas=at_most,
        stock=at_most,
    )
    start = StartFact(name="ramp", median=start_seconds, sigma=start_spread, source="assumed")
    policy = Watched(Ours(_service(at_most=at_most, scaling=scaling or {})))
    setup = Setup(
        trace=trace,
        begin=HOUR,
        end=HOUR + hours * HOUR,
        pools=(pool,),
        start=start,
        warm_start=start,
        nodes=NodesFact(linger_seconds=60, minimum_seconds=60, source="assumed"),
        seed=seed,
    )
    measures = simulate(setup, policy).measures
    return Outcome(
        most=max(policy.wanted),
        late=measures.late_share[1],
        hours=measures.pod_hours["a10"],
        changes=round(measures.events_per_day * measures.days),
    )


def _service(*, at_most: int, scaling: Mapping[str, object]) -> EmbeddingServiceSpec:
    return EmbeddingServiceSpec.model_validate(
        {
            "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-4B"}},
            "pools": [{"gpuPool": "a10", "minReplicas": 1, "maxReplicas": at_most}],
            "scaling": scaling,
        }
    )
