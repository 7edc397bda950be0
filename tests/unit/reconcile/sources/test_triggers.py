"""Which servers are queried for triggers, how often, and how their responses are used."""

import asyncio

import pytest
from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.domain.observation import TriggerReading
from embedding_operator.reconcile.sources.triggers import Servers, TriggerBook
from embedding_operator.telemetry.prometheus import Answer

from tests.world.builders import NOON

SEARCH = "search"
OWN = "http://prometheus:9090"


def trigger(name: str = "orders", *, query: str = "orders", server: str | None = None) -> Trigger:
    prometheus = {"query": query, **({} if server is None else {"serverAddress": server})}
    return Trigger.model_validate({"name": name, "threshold": 5, "activationThreshold": 2, "prometheus": prometheus})


class Server:
    """Answers when it is allowed to, with the number of queries so far."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.open = asyncio.Event()

    async def ask(self, server: str, query: str) -> Answer:
        self.asked.append((server, query))
        number = len(self.asked)
        await self.open.wait()
        return Answer(taken_at=NOON, value=float(number))


def refresh(book: TriggerBook, *triggers: Trigger) -> None:
    book.refresh((SEARCH, trigger) for trigger in triggers)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_question_of_several_services_is_asked_once_and_not_again_while_it_is_open() -> None:
    server = Server()
    book = TriggerBook(server.ask, servers=Servers(own=OWN))
    for _ in range(2):
        refresh(book, trigger(), trigger("mine"), trigger(query="other"))
        await settle()
    assert sorted(server.asked) == [(OWN, "orders"), (OWN, "other")]
    assert book.readings(SEARCH, [trigger()])[0].value is None
    server.open.set()
    await settle()
    assert {reading.value for reading in book.readings(SEARCH, [trigger(), trigger(query="other")])} == {1.0, 2.0}
    refresh(book, trigger())
    await settle()
    assert server.asked[2:] == [(OWN, "orders")]


async def test_readings_carry_what_the_trigger_states() -> None:
    server = Server()
    server.open.set()
    book = TriggerBook(server.ask, servers=Servers(own=OWN))
    refresh(book, trigger())
    await settle()
    assert book.readings(SEARCH, [trigger()]) == (
        TriggerReading(name="orders", threshold=5.0, activation_threshold=2.0, value=1.0, taken_at=NOON),
    )


async def test_what_is_not_asked_any_more_is_forgotten() -> None:
    server = Server()
    server.open.set()
    book = TriggerBook(server.ask, servers=Servers(own=OWN))
    refresh(book, trigger())
    await settle()
    refresh(book)
    assert book.readings(SEARCH, [trigger()])[0].value is None


@pytest.mark.parametrize(
    ("servers", "stated", "asked"),
    [
        (Servers(own=OWN), None, OWN),
        (Servers(own=f"{OWN}/"), None, OWN),
        (Servers(own=OWN), f"{OWN}/", OWN),
        (Servers(), None, None),
        (Servers(), OWN, None),
        (Servers(own=OWN), "http://169.254.169.254", None),
        (Servers(own=OWN), f"{OWN}0", None),
        (Servers(own=OWN), f"{OWN}/admin", None),
        (Servers(own=OWN, allowed=("http://team:9090/",)), "http://team:9090", "http://team:9090"),
        (Servers(own=OWN, allowed=("http://team:9090",)), "https://team:9090", None),
        (Servers(allowed=("*",)), "http://anywhere", "http://anywhere"),
        (Servers(allowed=("*",)), None, None),
    ],
)
def test_only_servers_that_the_settings_list_are_asked(servers: Servers, stated: str | None, asked: str | None) -> None:
    assert servers.of(stated) == asked


NOT_ALLOWED = (
    "the operator may not query http://169.254.169.254: have an admin add it to prometheus.allowedAddresses in its "
    "chart, or leave out serverAddress"
)


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        (None, "the operator has no Prometheus: have an admin set prometheus.url in its chart"),
        ("http://169.254.169.254", NOT_ALLOWED),
    ],
)
async def test_who_is_not_asked_is_said_with_the_fix(stated: str | None, problem: str) -> None:
    server = Server()
    book = TriggerBook(server.ask, servers=Servers())
    refresh(book, trigger(server=stated))
    await settle()
    assert server.asked == []
    assert book.readings(SEARCH, [trigger(server=stated)])[0].problem == problem


async def test_closing_ends_what_is_being_asked() -> None:
    server = Server()
    book = TriggerBook(server.ask, servers=Servers(own=OWN))
    refresh(book, trigger())
    await settle()
    await asyncio.wait_for(book.close(), timeout=5)
    assert book.readings(SEARCH, [trigger()])[0].value is None
