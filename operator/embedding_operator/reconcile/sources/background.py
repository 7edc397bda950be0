"""Requests made in the background, each at most once at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")


class Background(Generic[Key]):
    """Tasks by the key that they request."""

    def __init__(self) -> None:
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    def __contains__(self, key: Key) -> bool:
        """Return whether `key` is being requested."""
        return key in self._tasks

    def begin(self, key: Key, asking: Coroutine[Any, Any, None]) -> None:
        """Start `asking` for `key`, which must not be in progress yet."""
        task = asyncio.create_task(asking)
        self._tasks[key] = task
        task.add_done_callback(lambda _: self._tasks.pop(key, None))

    async def close(self) -> None:
        """Cancel requests in progress."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
