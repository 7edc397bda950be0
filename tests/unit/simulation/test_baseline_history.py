from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.baselines.history import training_week_of
from embedding_operator.simulation.cluster import PoolSpec
from embedding_operator.simulation.facts import NodesFact, StartFact
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup
from embedding_operator.simulation.synthetic import on_off
from embedding_operator.simulation.trace import DAY_SECONDS

pytestmark = pytest.mark.simulation

SERVER = Server(floor=0.0, per_batch=0.02, per_token=1e-4, per_request=0.0, batch_tokens=2000, batch_requests=256)
A10 = PoolSpec(name="a10", gpu="a10", server=SERVER, tokens_per_second=1.0, hourly_price=1.0, max_replicas=8, stock=8)
BUSY = 200 * (100e-4 + 0.02 * 100 / 2000)
"""200 requests/s of 100 tokens, each a twentieth of a full batch."""


def setup(*, begin: float = 0.0, gaps: slice = slice(0)) -> Setup:
    trace = on_off(rate=200.0, begins=9, ends=18, days=2.0)
    masked = trace.gaps.copy()
    masked[gaps] = True
    start = StartFact(name="D1", median=50.0, sigma=0.2, source="test")
    return Setup(
        trace=replace(trace, gaps=masked),
        begin=begin,
        end=2 * DAY_SECONDS,
        pools=(A10,),
        start=start,
        warm_start=start,
        nodes=NodesFact(linger_seconds=60.0, minimum_seconds=60.0, source="test"),
        seed=1,
    )


def test_hours_and_loads_are_those_of_the_trace() -> None:
    week = training_week_of(setup())
    assert week.busiest_hours(9) == 9
    by_hour = week.by_hour(percentile=50)
    assert by_hour[8] == 0
    assert by_hour[9] == pytest.approx(BUSY, rel=0.02)
    assert week.tokens_per_second == pytest.approx(2000 / 0.22)


def test_hours_count_from_the_beginning_of_the_trace_wherever_the_week_begins() -> None:
    assert training_week_of(setup(begin=30 * 3600.0)).busiest_hours(9) == 9


def test_gaps_are_not_taken_for_silence() -> None:
    week = training_week_of(setup(gaps=slice(9 * 6, 10 * 6)))
    assert np.isnan(week.load_by_minute[9 * 60 : 10 * 60]).all()
    assert week.by_hour(percentile=50)[9] == pytest.approx(BUSY, rel=0.02)
