"""What a clairvoyant knows: the least time for which the requests of each moment keep replicas busy."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedding_operator.simulation.arrivals import arrivals
from embedding_operator.simulation.clairvoyant_load import required_load
from embedding_operator.simulation.servers import Server
from embedding_operator.simulation.simulation import Setup

SLOT_SECONDS = 10.0
BIN_SECONDS = 1.0
LATE_SECONDS = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stretch:
    """A period without gaps from `begin` on: the replicas of the first pool that each slot needs, as a real number."""

    begin: float
    load: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class SimWork:
    """All the measured work of a setup. `capacities` are those of one replica of each pool, 1 for the first.

    The capacity of further pools assumes the mix of lengths of the whole span; it hardly differs from slot to slot.
    """

    stretches: tuple[Stretch, ...]
    capacities: tuple[float, ...]


def work_of(setup: Setup) -> SimWork:
    """Return the work of the requests of `setup`; raise `ValueError` if nothing of it is measured.

    It is a lower bound: requests share full batches, limited by tokens or by the requests that the gateway lets
    through, or tokenising limits them. A request is in time if its batch begins within a second, so replicas may lag
    behind by this second and one full batch.
    """
    servers = [pool.server for pool in setup.pools]
    slack = LATE_SECONDS + max(_full_batch_seconds(server) for server in servers)
    stretches, totals = [], np.zeros((len(servers), 3))
    for begin, end in _measured(setup):
        work = _busy_seconds(setup, begin=begin, end=end)
        totals += work.sum(axis=2)
        loads = [
            required_load(
                bound, bin_seconds=BIN_SECONDS, bins_per_slot=round(SLOT_SECONDS / BIN_SECONDS), slack_seconds=slack
            )
            for bound in work[0]
        ]
        stretches.append(Stretch(begin=begin, load=np.max(loads, axis=0)))
    if not stretches:
        raise ValueError("begin and end: nothing between them is measured")
    busy = totals.max(axis=1)
    capacities = tuple(float(busy[0] / seconds) if seconds > 0.0 else 1.0 for seconds in busy)
    return SimWork(stretches=tuple(stretches), capacities=capacities)


def _measured(setup: Setup) -> Iterator[tuple[float, float]]:
    """Yield the measured periods, without gaps."""
    counted = np.concatenate([[False], setup.counted(), [False]])
    edges = np.flatnonzero(counted[1:] != counted[:-1]) * setup.trace.step
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _busy_seconds(setup: Setup, *, begin: float, end: float) -> Floats:
    """Return the busy seconds of the requests of each bin: `pools x 3 ways to count them x bins`.

    Each way underestimates, and never overestimates: the largest is the closest.
    """
    bins = round((end - begin) / BIN_SECONDS)
    busy = np.zeros((len(setup.pools), 3, bins))
    for window in setup.trace.windows(begin=begin, end=end):
        came = arrivals(setup.trace, window=window, seed=setup.seed)
        places = np.clip((came.times - begin) / BIN_SECONDS, 0, bins - 1).astype(np.int64)
        for index, pool in enumerate(setup.pools):
            for way, seconds in enumerate(_seconds_by_request(pool.server, tokens=came.tokens, door=setup.door)):
                busy[index, way] += np.bincount(places, weights=seconds, minlength=bins)
    return busy


def _seconds_by_request(server: Server, *, tokens: NDArray[np.int64], door: int) -> Floats:
    """Return `3 x requests`: as a share of a batch full of tokens, of one full of requests, and while tokenised."""
    computing = server.per_token * tokens
    return np.stack(
        [
            computing + server.per_batch * tokens / np.maximum(tokens, server.batch_tokens),
            computing + server.per_batch / min(door, server.batch_requests),
            np.full(len(tokens), server.per_request),
        ]
    )


def _full_batch_seconds(server: Server) -> float:
    return server.seconds(tokens=server.batch_tokens, requests=0)
