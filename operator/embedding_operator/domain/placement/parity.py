"""Checks whether two engines serve the same vector space, by the cosine of their answers to the same texts."""

import math
from collections.abc import Sequence

from embedding_operator.domain.observation import Parity

Vectors = tuple[tuple[float, ...], ...]
"""The answer of one engine: a vector per probe text, in order."""

THRESHOLD = 0.999
"""Different GPUs differ by rounding (0.9999 and above); another dtype, pooling or revision is well below this."""


def parity(reference: Vectors, answer: Vectors) -> Parity:
    """Return whether every text has the same direction in both answers.

    Answers with different lengths, without direction, or with values that are not numbers fail.
    """
    same_count = len(reference) == len(answer) > 0
    if same_count and all(_same_direction(left, right) for left, right in zip(reference, answer, strict=True)):
        return Parity.PASSED
    return Parity.FAILED


def cosine(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the cosine of the angle between two vectors; NaN if their lengths differ or one has no direction."""
    if len(left) != len(right):
        return math.nan
    lengths = math.hypot(*left) * math.hypot(*right)
    product = math.fsum(one * other for one, other in zip(left, right, strict=True))
    return product / lengths if lengths else math.nan


def _same_direction(left: Sequence[float], right: Sequence[float]) -> bool:
    # A comparison with NaN is False, so whatever is not a number fails.
    return cosine(left, right) >= THRESHOLD
