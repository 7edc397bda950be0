"""Test weeks that differ from the week that plans were fitted to."""

from dataclasses import replace

import numpy as np
import pytest
from embedding_operator.simulation.facts import read_facts
from embedding_operator.simulation.trace import Lengths, Trace

from benchmarks.simulation.results import Split
from benchmarks.simulation.shifts import Shift, moved, shifts
from benchmarks.simulation.stage import Stage, stage
from tests.unit.simulation.synthetic import diurnal, on_off

FACTS = read_facts()


def staged(trace: Trace) -> Stage:
    return stage(trace, FACTS, peak=3.0, scale=None, days=None)


def test_every_client_has_every_shift_and_the_week_of_every_other() -> None:
    names = [shift.name for shift in shifts("b", clients=["a", "b", "c"])]
    assert names == ["x 1", "x 0.25", "x 0.5", "x 2", "x 4", "-3 h", "+3 h", "week of a", "week of c"]


def test_the_unchanged_week_is_the_same() -> None:
    own = staged(diurnal(rate=5.0))
    assert np.array_equal(Shift().applied(own, others={}).trace.rates, own.trace.rates)


def test_a_level_multiplies_requests_and_nothing_else() -> None:
    own = staged(diurnal(rate=5.0))
    twice = Shift(level=2.0).applied(own, others={})
    assert np.allclose(twice.trace.rates, 2.0 * own.trace.rates)
    assert (twice.spans, twice.peak) == (own.spans, own.peak)
    assert twice.trace.lengths is own.trace.lengths


def test_a_phase_moves_the_day_and_loses_nothing() -> None:
    """A client that works from nine to six works from twelve to nine."""
    trace = replace(on_off(rate=4.0), lengths=Lengths(np.array([0.0, 3600.0]), Lengths.constant(100).histograms * 2))
    later = moved(trace, hours=3)
    assert later.rates.sum() == trace.rates.sum()
    first_hour = np.flatnonzero(later.rates)[0] * trace.step / 3600.0
    assert first_hour == 12.0
    assert later.lengths.since.tolist() == [3 * 3600.0, 4 * 3600.0]
    assert np.array_equal(moved(later, hours=-3).rates, trace.rates)


def test_a_trace_of_single_requests_is_not_moved() -> None:
    recorded = replace(diurnal(rate=1.0), instants=np.zeros(1), sizes=np.ones(1, dtype=np.int64))
    with pytest.raises(ValueError, match="moved in time"):
        moved(recorded, hours=3)


def test_a_swapped_week_is_the_other_clients_at_its_own_scale() -> None:
    own, other = staged(diurnal(rate=5.0)), staged(on_off(rate=50.0))
    swapped = Shift(other="b").applied(own, others={"a": own, "b": other})
    assert swapped is other
    assert swapped.spans[Split.TEST] == own.spans[Split.TEST]
