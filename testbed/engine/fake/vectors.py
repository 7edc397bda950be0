"""Vectors that depend only on the text and the vector space: same text, same space, same vector, anywhere."""

from __future__ import annotations

import hashlib
import math
from array import array

BYTES_PER_VALUE = 4


def vector_of(text: str | tuple[int, ...], *, space: str, dimension: int) -> array[float]:
    """Return the unit vector of single-precision values."""
    seed = f"{space}\0{text!r}".encode()
    raw = array("i", hashlib.shake_256(seed).digest(BYTES_PER_VALUE * dimension))
    return unit(raw)


def unit(values: array[float] | array[int]) -> array[float]:
    """Return the values scaled to length 1."""
    length = math.sqrt(sum(float(value) * value for value in values))
    return array("f", (value / length for value in values))


def shortened(vector: array[float], *, dimension: int) -> array[float]:
    """Return the first values of a vector, scaled to length 1 again, as for Matryoshka models."""
    return unit(vector[:dimension])
