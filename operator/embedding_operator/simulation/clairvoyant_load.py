"""How much load each slot must carry so that no request waits longer than allowed."""

import numpy as np
from numpy.typing import NDArray


def required_load(
    work: NDArray[np.float64], *, bin_seconds: float, bins_per_slot: int, slack_seconds: float
) -> NDArray[np.float64]:
    """Return the rate (`work` per second) that each slot's replicas must carry, constant within the slot.

    `work` is what arrived in each bin. A slot carries all that arrives in it, and what arrives between two moments
    of a slot is done `slack_seconds` after the second: the allowed wait plus the time of one batch. Where this falls
    into the next slot, the interval requires nothing by itself, since other replicas may help. The last slot is padded
    with bins without work.
    """
    longest = bins_per_slot - round(np.ceil(slack_seconds / bin_seconds))
    if longest < 1:
        problem = f"slack_seconds: {slack_seconds:g} leaves nothing of a slot of {bins_per_slot * bin_seconds:g} s"
        raise ValueError(problem)
    slots = -(-len(work) // bins_per_slot)
    padded = np.zeros(slots * bins_per_slot)
    padded[: len(work)] = work
    arrived = np.zeros((slots, bins_per_slot + 1))
    np.cumsum(padded.reshape(slots, bins_per_slot), axis=1, out=arrived[:, 1:])
    required = arrived[:, -1] / (bins_per_slot * bin_seconds)
    for length in range(1, longest + 1):
        most = (arrived[:, length : longest + 1] - arrived[:, : longest + 1 - length]).max(axis=1)
        np.maximum(required, most / (length * bin_seconds + slack_seconds), out=required)
    return required
