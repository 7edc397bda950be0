"""Which engines are asked for vectors, when, and with which reference these are compared."""

import asyncio

from embedding_operator.domain.observation import Parity
from embedding_operator.domain.placement.parity import Vectors
from embedding_operator.reconcile.sources.parity_probes import Candidate, ParityBook

UP: Vectors = ((0.0, 1.0),)
ASIDE: Vectors = ((1.0, 0.0),)


class Engines:
    def __init__(self, answers: dict[str, Vectors | None]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def probe(self, endpoint: str) -> Vectors | None:
        self.asked.append(endpoint)
        return self.answers[endpoint]


def candidate(name: str, *, age: float) -> Candidate:
    return Candidate(uid=name, endpoint=name, age=age)


async def ask(book: ParityBook, *candidates: Candidate) -> None:
    answered = asyncio.Event()
    book.ask("service/model", candidates, answered=answered.set)
    await asyncio.wait_for(answered.wait(), timeout=5)


async def test_the_oldest_replica_is_the_reference() -> None:
    engines = Engines({"old": UP, "same": UP, "wrong": ASIDE})
    book = ParityBook(engines.probe)

    await ask(book, candidate("wrong", age=1), candidate("old", age=9), candidate("same", age=5))

    assert engines.asked[0] == "old"
    assert book.parities("service/model") == {"old": Parity.PASSED, "same": Parity.PASSED, "wrong": Parity.FAILED}


async def test_a_replica_is_asked_once_and_one_that_did_not_answer_again() -> None:
    engines = Engines({"old": UP, "silent": None})
    book = ParityBook(engines.probe)

    await ask(book, candidate("old", age=9), candidate("silent", age=1))
    engines.answers["silent"] = UP
    await ask(book, candidate("old", age=9), candidate("silent", age=1))

    assert engines.asked == ["old", "silent", "silent"]
    assert book.parities("service/model")["silent"] is Parity.PASSED


async def test_the_reference_outlives_its_replica() -> None:
    engines = Engines({"old": UP, "new": ASIDE})
    book = ParityBook(engines.probe)

    await ask(book, candidate("old", age=9))
    await ask(book, candidate("new", age=1))

    assert book.parities("service/model") == {"new": Parity.FAILED}


async def test_what_is_gone_is_forgotten() -> None:
    book = ParityBook(Engines({"old": UP}).probe)

    await ask(book, candidate("old", age=9))
    book.forget([])

    assert book.parities("service/model") == {}
    await book.close()
