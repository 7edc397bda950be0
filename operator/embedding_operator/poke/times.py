"""When services were last poked: evidence of waiting requests at gateways that the operator cannot reach itself."""

from collections.abc import Callable, Collection
from datetime import datetime

from embedding_operator.kube.store import ObjectKey


class PokeTimes:
    """The instant of the last genuine poke of each service."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._at: dict[ObjectKey, datetime] = {}

    def poked(self, key: ObjectKey) -> None:
        """Note a poke."""
        self._at[key] = self._now()

    def last(self, key: ObjectKey) -> datetime | None:
        """Return when a service was last poked, None if it was not since this process started."""
        return self._at.get(key)

    def forget_all_but(self, present: Collection[ObjectKey]) -> None:
        """Drop the services that are gone."""
        self._at = {key: at for key, at in self._at.items() if key in present}
