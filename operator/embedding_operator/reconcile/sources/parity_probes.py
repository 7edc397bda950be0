"""Whether the pools of a service give equal answers, probed only while one pool takes over from another.

The vectors of the replica that has been Ready longest are the reference of a service and its model; every other Ready
replica is compared with them once. Answers are kept by pod UID and dropped with the pod.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from embedding_operator.domain.observation import Parity
from embedding_operator.domain.placement.parity import Vectors, parity
from embedding_operator.reconcile.sources.background import Background

Probe = Callable[[str], Awaitable[Vectors | None]]
"""Requests the probe embeddings from the engine at a base URL; None if it did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A Ready replica: `age` orders the replicas of a service, the oldest first."""

    uid: str
    endpoint: str
    age: float


@dataclass(slots=True)
class _Answers:
    reference: Vectors | None = None
    parities: dict[str, Parity] = field(default_factory=dict)
    asking: set[str] = field(default_factory=set)


class ParityBook:
    """Answers of the replicas of every service; `key` stands for a service and the model that it serves."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._books: dict[str, _Answers] = {}
        self._asking: Background[str] = Background()

    def parities(self, key: str) -> Mapping[str, Parity]:
        """Return what is known, by pod UID."""
        book = self._books.get(key)
        return {} if book is None else book.parities

    def ask(self, key: str, candidates: Collection[Candidate], *, answered: Callable[[], None]) -> None:
        """Probe, in the background, the replicas whose parity is unknown; call `answered` when that is done."""
        book = self._books.setdefault(key, _Answers())
        present = {candidate.uid for candidate in candidates}
        book.parities = {uid: known for uid, known in book.parities.items() if uid in present}
        unknown = [each for each in candidates if each.uid not in book.parities and each.uid not in book.asking]
        if not unknown:
            return
        book.asking.update(each.uid for each in unknown)
        ordered = sorted(unknown, key=lambda each: (-each.age, each.uid))
        self._asking.begin(ordered[0].uid, self._ask(book, ordered, answered=answered))

    def forget(self, keys_in_use: Collection[str]) -> None:
        """Drop the books of services and models that are gone."""
        for key in self._books.keys() - set(keys_in_use):
            del self._books[key]

    async def close(self) -> None:
        """Cancel probes in progress."""
        await self._asking.close()

    async def _ask(self, book: _Answers, candidates: list[Candidate], *, answered: Callable[[], None]) -> None:
        try:
            for candidate in candidates:
                vectors = await self._probe(candidate.endpoint)
                book.asking.discard(candidate.uid)
                if vectors is None:
                    continue
                if book.reference is None:
                    book.reference = vectors
                book.parities[candidate.uid] = parity(book.reference, vectors)
            answered()
        finally:
            book.asking.difference_update(candidate.uid for candidate in candidates)
