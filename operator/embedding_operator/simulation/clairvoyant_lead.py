"""What perfect foresight of a few minutes is worth: separates forecast errors from the physics of cold starts."""

import numpy as np
from numpy.typing import NDArray

BEYOND_THE_LEAD_SECONDS = 300.0
"""Foresight beyond the moment at which a replica ordered now serves."""


def replicas_with_foresight(
    needed: NDArray[np.int64],
    *,
    slot_seconds: float,
    startup_seconds: float,
    beyond_seconds: float = BEYOND_THE_LEAD_SECONDS,
) -> NDArray[np.int64]:
    """Return the replicas of one pool by slot, if what is `needed` is known for a start plus `beyond_seconds` ahead.

    A replica is ordered one startup time before it is needed, and stopped if it is not needed again within sight. The
    result counts serving replicas, as a clairvoyant plan does: `cost_of` gives its price.
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
    """Return the fewest replicas of one pool, of `capacity` each, that carry each slot's load."""
    return np.clip(np.ceil(load / capacity), min_replicas, max_replicas).astype(np.int64)
