"""Quantiles of a few measured values."""

import math
from collections.abc import Collection
from typing import TypeVar

Number = TypeVar("Number", int, float)


def quantile(figures: Collection[Number], *, share: float) -> Number:
    """Return the smallest of `figures`, which are not empty, that a `share` of them does not exceed."""
    return sorted(figures)[math.ceil(share * len(figures)) - 1]
