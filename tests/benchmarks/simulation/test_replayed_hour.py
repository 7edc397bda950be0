"""The hour that both a cluster and the simulator replay: what is compressed, what is scaled, and what stays."""

import numpy as np
import pytest
from embedding_operator.simulation.trace import Lengths

from benchmarks.replayed_hour import (
    HOUR,
    IDLE_SECONDS,
    MOST_REPLICAS,
    PEAK_SHARE,
    SECONDS,
    TICKS,
    TOKENS_PER_SECOND,
    requests_of,
    simulated,
)
from tests.unit.simulation.synthetic import diurnal, steady

LOAD = PEAK_SHARE * MOST_REPLICAS * TOKENS_PER_SECOND


def test_an_hour_takes_ten_minutes_and_its_peak_most_of_the_replicas() -> None:
    requests = requests_of(steady(rate=3.0, days=14.0, lengths=Lengths.constant(200)))
    assert requests.instants[0] >= IDLE_SECONDS
    assert requests.instants[-1] <= IDLE_SECONDS + 600
    assert (np.diff(requests.instants) >= 0).all()
    assert requests.tokens.sum() / 600 == pytest.approx(LOAD, rel=0.1)


def test_the_shape_of_the_hour_stays() -> None:
    trace = diurnal(rate=3.0)
    requests = requests_of(trace)
    begin = HOUR * 3600 / trace.step
    rates = trace.rates[int(begin) : int(begin) + 6]
    counts = np.histogram(requests.instants, bins=6, range=(IDLE_SECONDS, IDLE_SECONDS + 600))[0]
    assert counts / counts.sum() == pytest.approx(rates / rates.sum(), rel=0.15)


def test_it_is_simulated_by_the_second_from_one_replica_to_what_the_load_needs_and_back() -> None:
    requests = requests_of(steady(rate=3.0, days=14.0, lengths=Lengths.constant(200)))
    curves = [simulated(requests, phase=phase) for phase in range(TICKS)]
    for curve in curves:
        assert len(curve) == SECONDS
        assert curve[:IDLE_SECONDS] == [1] * IDLE_SECONDS
        assert max(curve) >= PEAK_SHARE * MOST_REPLICAS
        assert curve[-1] < max(curve)
    assert curves[0] == simulated(requests, phase=0)
    assert any(curve != curves[0] for curve in curves), "the second of the poll makes a difference"
