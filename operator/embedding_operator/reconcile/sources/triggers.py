"""The external queues of all services: queried in the background at every tick, each query of a namespace once.

Users may name a server of their own. The operator may reach servers that users cannot, and queries with its own rights,
so only addresses listed in its settings are queried; for others, the reading reports a problem.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.domain.observation import TriggerReading
from embedding_operator.reconcile.sources.turns import Turns
from embedding_operator.settings import ANY_ADDRESS
from embedding_operator.telemetry.prometheus import Answer

AT_A_TIME = 12
OF_ONE_NAMESPACE = 6
"""Queries in progress. Those of other namespaces do not wait for all of one namespace, however slow they are."""

Ask = Callable[[str, str], Awaitable[Answer]]
"""Requests the value of a query from the server at an address."""


class Question(NamedTuple):
    """A query of a namespace to a server. Namespaces do not share queries: one could delay those of another."""

    namespace: str
    server: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The operator's own Prometheus (empty if there is none), and the other addresses that services may name."""

    own: str = ""
    allowed: tuple[str, ...] = ()

    def of(self, stated: str | None) -> str | None:
        """Return the address to query if a service states `stated`; None if there is none that may be queried."""
        if stated is None:
            return _plain(self.own) or None
        known = {_plain(address) for address in (self.own, *self.allowed) if address}
        return _plain(stated) if ANY_ADDRESS in known or _plain(stated) in known else None


class TriggerBook:
    """The last readings of the triggers of all services."""

    def __init__(self, ask: Ask, *, servers: Servers) -> None:
        self._ask = ask
        self._servers = servers
        self._answers: dict[Question, Answer] = {}
        self._asking: Turns[Question] = Turns(self._answer, at_a_time=AT_A_TIME, each=OF_ONE_NAMESPACE)

    def refresh(self, triggers: Iterable[tuple[str, Trigger]]) -> None:
        """Query triggers (namespace, trigger) in the background, and forget all others.

        No query runs twice at a time. Namespaces take turns.
        """
        wanted = {
            question: question.namespace
            for namespace, trigger in triggers
            if (question := self._question(namespace, trigger)) is not None
        }
        self._answers = {question: answer for question, answer in self._answers.items() if question in wanted}
        self._asking.want(wanted)

    def readings(self, namespace: str, triggers: Sequence[Trigger]) -> tuple[TriggerReading, ...]:
        """Return the last readings of `triggers` of a service in `namespace`, in order."""
        return tuple(self._reading(namespace, trigger) for trigger in triggers)

    async def close(self) -> None:
        """Cancel queries in progress."""
        await self._asking.close()

    async def _answer(self, question: Question) -> None:
        self._answers[question] = await self._ask(question.server, question.query)

    def _question(self, namespace: str, trigger: Trigger) -> Question | None:
        server = self._servers.of(trigger.prometheus.server_address)
        return None if server is None else Question(namespace, server, trigger.prometheus.query)

    def _reading(self, namespace: str, trigger: Trigger) -> TriggerReading:
        question = self._question(namespace, trigger)
        answer = None if question is None else self._answers.get(question)
        silent = TriggerReading(
            name=trigger.name, threshold=trigger.threshold, activation_threshold=trigger.activation_threshold
        )
        if question is None:
            return replace(silent, problem=_why_not_asked(trigger))
        if answer is None:
            return silent
        return replace(silent, value=answer.value, problem=answer.problem, taken_at=answer.taken_at)


def _why_not_asked(trigger: Trigger) -> str:
    stated = trigger.prometheus.server_address
    if stated is None:
        return "the operator has no Prometheus: have an admin set prometheus.url in its chart"
    return (
        f"the operator may not query {stated}: have an admin add it to prometheus.allowedAddresses in its chart, or "
        "leave out serverAddress"
    )


def _plain(address: str) -> str:
    return address.rstrip("/")
