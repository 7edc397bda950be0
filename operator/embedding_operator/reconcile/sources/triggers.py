"""The external queues of all services: asked in the background at every tick, each question once.

Users may name a server of their own. The operator stands where they may not, and asks with nobody's rights but its
own, so only addresses that its settings list are asked; the others are a problem in words.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.domain.observation import TriggerReading
from embedding_operator.reconcile.sources.background import Background
from embedding_operator.settings import ANY_ADDRESS
from embedding_operator.telemetry.prometheus import Answer

Ask = Callable[[str, str], Awaitable[Answer]]
"""Asks the server at an address for the value of a query."""


class Question(NamedTuple):
    """A query at a server."""

    server: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The operator's own Prometheus (empty if it has none), and the addresses that services may name beside it."""

    own: str = ""
    allowed: tuple[str, ...] = ()

    def of(self, stated: str | None) -> str | None:
        """Return the address to ask where a service states `stated`; None if there is none that may be asked."""
        if stated is None:
            return _plain(self.own) or None
        known = {_plain(address) for address in (self.own, *self.allowed) if address}
        return _plain(stated) if ANY_ADDRESS in known or _plain(stated) in known else None


class TriggerBook:
    """What the triggers of all services said last."""

    def __init__(self, ask: Ask, *, servers: Servers) -> None:
        self._ask = ask
        self._servers = servers
        self._answers: dict[Question, Answer] = {}
        self._asking: Background[Question] = Background()

    def refresh(self, triggers: Iterable[Trigger]) -> None:
        """Ask, in the background, what `triggers` say now, and forget all others. None is asked twice at a time."""
        wanted = {question for trigger in triggers if (question := self._question(trigger)) is not None}
        self._answers = {question: answer for question, answer in self._answers.items() if question in wanted}
        for question in wanted:
            if question not in self._asking:
                self._asking.begin(question, self._answer(question))

    def readings(self, triggers: Sequence[Trigger]) -> tuple[TriggerReading, ...]:
        """Return what is known of `triggers`, in their order."""
        return tuple(self._reading(trigger) for trigger in triggers)

    async def close(self) -> None:
        """Cancel what is still being asked."""
        await self._asking.close()

    async def _answer(self, question: Question) -> None:
        self._answers[question] = await self._ask(question.server, question.query)

    def _question(self, trigger: Trigger) -> Question | None:
        server = self._servers.of(trigger.prometheus.server_address)
        return None if server is None else Question(server, trigger.prometheus.query)

    def _reading(self, trigger: Trigger) -> TriggerReading:
        question = self._question(trigger)
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
        return "the operator has no Prometheus: let an admin set prometheus.url of its chart"
    return (
        f"the operator may not ask {stated}: let an admin add it to prometheus.allowedAddresses of its chart, or leave "
        "serverAddress out"
    )


def _plain(address: str) -> str:
    return address.rstrip("/")
