"""Which numbers a measurement can be. They come from pods and servers that may say anything."""

LARGEST = 1e15
"""No count or rate gets there, and what is computed from such numbers stays finite."""


def is_possible(value: float) -> bool:
    """Return whether `value` can be a count, a rate or a number of seconds: no NaN, not negative, not too large."""
    return 0.0 <= value <= LARGEST
