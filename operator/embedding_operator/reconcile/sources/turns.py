"""Requests in the background that take turns by owner, so that one with many slow ones does not delay the others."""

from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Generic, TypeVar

from embedding_operator.reconcile.sources.background import Background

Key = TypeVar("Key")


class Turns(Generic[Key]):
    """Requests keys with `ask`, owners in turn: `at_a_time` requests are in progress in total, `each` of one owner."""

    def __init__(self, ask: Callable[[Key], Coroutine[Any, Any, None]], *, at_a_time: int, each: int) -> None:
        self._ask = ask
        self._at_a_time = at_a_time
        self._each = each
        self._waiting: dict[str, dict[Key, None]] = {}
        self._turns: dict[str, None] = {}
        self._running: Counter[str] = Counter()
        self._asking: Background[Key] = Background()
        self._closed = False

    def want(self, owners: Mapping[Key, str]) -> None:
        """Request the keys of `owners`, each for its owner, and none that waited and is not among them.

        Those in progress are not requested again. Those that have waited come first.
        """
        waited = [key for waiting in self._waiting.values() for key in waiting if key in owners]
        waiting: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        for key in (*waited, *owners):
            if key not in self._asking:
                waiting[owners[key]][key] = None
        self._waiting = dict(waiting)
        self._turns = {owner: None for owner in (*self._turns, *waiting) if self._may_begin(owner)}
        self._begin()

    async def close(self) -> None:
        """Cancel requests in progress, and begin no more."""
        self._closed = True
        await self._asking.close()

    def _may_begin(self, owner: str) -> bool:
        return bool(self._waiting.get(owner)) and self._running[owner] < self._each

    def _begin(self) -> None:
        while self._turns and self._running.total() < self._at_a_time and not self._closed:
            owner = next(iter(self._turns))
            del self._turns[owner]
            key = next(iter(self._waiting[owner]))
            del self._waiting[owner][key]
            self._running[owner] += 1
            self._asking.begin(key, self._request(key, owner))
            if self._may_begin(owner):
                self._turns[owner] = None

    async def _request(self, key: Key, owner: str) -> None:
        try:
            await self._ask(key)
        finally:
            self._running -= Counter({owner: 1})
            if self._may_begin(owner):
                self._turns.setdefault(owner)
            self._begin()
