"""A rate limit: the first time at once, then at a limited rate, per key and for all keys together."""

import math
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

REMEMBERED_KEYS = 4096


class RateLimit(Generic[Key]):
    """Books times that are `each` seconds apart for one key, and on average `overall` seconds for all keys."""

    def __init__(self, *, each: float, overall: float) -> None:
        self._each = each
        self._overall = overall
        self._booked: dict[Key, float] = {}
        self._next = -math.inf

    def book(self, key: Key, *, now: float) -> float:
        """Return when `key` may come next. A booked time that is still ahead is returned again."""
        booked = self._booked.get(key, -math.inf)
        if booked > now:
            return booked
        at = max(now, booked + self._each, self._next)
        self._next = max(now, self._next) + self._overall
        if len(self._booked) >= REMEMBERED_KEYS:
            self._booked = {each: time for each, time in self._booked.items() if time + self._each > now}
        self._booked[key] = at
        return at
