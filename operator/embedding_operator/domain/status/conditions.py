"""The only writer of conditions.

A condition keeps its `lastTransitionTime` until its status changes, even if its reason or message changes.
"""

from collections.abc import Iterable
from datetime import datetime

from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason

MAX_MESSAGE = 2_000
"""Characters, of the 32,768 that the API allows: a condition is read by people."""


class Conditions:
    """The conditions of one object, in the form in which they are written."""

    def __init__(self, previous: Iterable[Condition], *, generation: int, now: datetime) -> None:
        self._previous = {condition.type: condition for condition in previous}
        self._generation = generation
        self._now = now.replace(microsecond=0)
        self._set: dict[str, Condition] = {}

    def true(self, kind: ConditionType, reason: Reason, message: str = "") -> None:
        """Set the condition to True."""
        self._write(kind, ConditionStatus.TRUE, reason, message)

    def false(self, kind: ConditionType, reason: Reason, message: str = "") -> None:
        """Set the condition to False."""
        self._write(kind, ConditionStatus.FALSE, reason, message)

    def unknown(self, kind: ConditionType, reason: Reason, message: str = "") -> None:
        """Set the condition to Unknown."""
        self._write(kind, ConditionStatus.UNKNOWN, reason, message)

    def keep(self, kind: ConditionType) -> None:
        """Leave the condition as it was, if it was set."""
        if kind in self._previous:
            self._set[kind] = self._previous[kind]

    def listed(self) -> list[Condition]:
        """Return the conditions in the order in which they were set."""
        return list(self._set.values())

    def _write(self, kind: ConditionType, status: ConditionStatus, reason: Reason, message: str) -> None:
        before = self._previous.get(kind)
        unchanged = before is not None and before.status is status
        self._set[kind] = Condition(
            type=kind,
            status=status,
            observed_generation=self._generation,
            last_transition_time=before.last_transition_time if before is not None and unchanged else self._now,
            reason=reason,
            message=_shortened(message),
        )


def _shortened(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 3] + "..."
