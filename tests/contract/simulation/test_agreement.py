"""The simulator requests the same replicas as the operator on a cluster: the basis of every simulated result.

`python -m benchmarks agreement` replays an hour of a trace; this is the short form, a rise and a fall.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.agreement import MOST_SHIFT_SECONDS, replayed_on_cluster
from benchmarks.curves import difference
from benchmarks.replayed_hour import IDLE_SECONDS, TICKS, TOKENS_PER_SECOND, Requests, simulated
from testbed.cluster.progress import Progress

pytestmark = pytest.mark.cluster

SECONDS = 165
FALL, END = IDLE_SECONDS + 45.0, 150.0
HIGH, LOW = 3.0, 0.5
"""The load in replicas, before `FALL` and from there to `END`."""

TOKENS = 200
SEED = 5
TOLERANCE = 0.9
"""Replicas, on average. Two simulations that poll at different seconds differ by up to 0.74: one peaks at 7, not 8."""


def test_real_and_simulated_replicas_agree(crds: Path) -> None:
    requests = _rise_and_fall()
    curves = [simulated(requests, phase=phase)[:SECONDS] for phase in range(TICKS)]

    measured, replayed = replayed_on_cluster(requests, seconds=SECONDS, progress=Progress())

    assert not replayed.failed, replayed.failed
    assert measured[0] == 1 < max(measured) > measured[-1], measured
    found = [difference(measured, curve, most_shift=MOST_SHIFT_SECONDS) for curve in curves]
    assert min(each.mean for each in found) <= TOLERANCE, (found, measured, curves)


def _rise_and_fall() -> Requests:
    drawn = np.random.default_rng(SEED)
    instants = [
        begin + np.sort(drawn.uniform(0.0, end - begin, size=round(load * TOKENS_PER_SECOND / TOKENS * (end - begin))))
        for begin, end, load in ((IDLE_SECONDS, FALL, HIGH), (FALL, END, LOW))
    ]
    came = np.concatenate(instants)
    return Requests(instants=came, tokens=np.full(len(came), TOKENS, dtype=np.int64))
