"""What perfect foresight of a few minutes is worth: it tells errors of forecasts from the physics of cold starts."""

import numpy as np
from numpy.typing import NDArray

BEYOND_THE_LEAD_SECONDS = 300.0
"""Foresight past the moment at which a replica that is ordered now serves."""


def replicas_with_foresight(
    needed: NDArray[np.int64],
    *,
    slot_seconds: float,
    startup_seconds: float,
    beyond_seconds: float = BEYOND_THE_LEAD_SECONDS,
) -> NDArray[np.int64]:
    """Return the replicas of one pool, by slot, of who sees what is `needed` for a lead and `beyond_seconds` from now.

    It orders a replica one lead before it is needed, and stops one that it does not see needed again. The result counts
    replicas that serve, as a clairvoyant plan does: its price is that of `cost_of`.
    """
    in_sight = int((startup_seconds + beyond_seconds) // slot_seconds)
    padded = np.concatenate([needed, np.full(in_sight, needed[-1])])
    most_in_sight = np.lib.stride_tricks.sliding_window_view(padded, in_sight + 1).max(axis=1)
    replicas = np.empty_like(needed)
    serving = needed[0]
    for slot, now in enumerate(needed):
        serving = max(now, min(serving, most_in_sight[slot]))
        replicas[slot] = serving
    return replicas


def replicas_needed(
    load: NDArray[np.float64], *, capacity: float, min_replicas: int, max_replicas: int
) -> NDArray[np.int64]:
    """Return the fewest replicas of one pool that carry each slot's load, each carrying `capacity`."""
    return np.clip(np.ceil(load / capacity), min_replicas, max_replicas).astype(np.int64)
