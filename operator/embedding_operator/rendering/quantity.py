"""Kubernetes quantities as numbers."""

import re
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?")
_DECIMAL = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def whole(quantity: str | int) -> int:
    """Return a quantity such as `512Mi`, `1.5G` or `2e9` as a whole number, rounded down.

    Raises `ValueError` for what the schema refuses.
    """
    found = _QUANTITY.fullmatch(str(quantity))
    if found is None:
        message = f"not a quantity: {str(quantity)[:80]!r}"
        raise ValueError(message)
    number, suffix, exponent = Fraction(found[1]), found[2] or "", found[3]
    if exponent is not None:
        return int(number * Fraction(10) ** int(exponent))
    if suffix in _BINARY:
        return int(number * 1024 ** _BINARY[suffix])
    return int(number * Fraction(1000) ** _DECIMAL.get(suffix, 0))
