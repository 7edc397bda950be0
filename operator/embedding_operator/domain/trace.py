"""The trace of a decision: every step with its reason, its figures before and after, and a sentence for people."""

from embedding_operator.domain.decision import Step, StepReason


class Trace:
    """Collects the steps of one decision in order."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    def add(self, reason: StepReason, message: str, *, before: float, after: float, pool: str | None = None) -> None:
        """Append a step; figures are rounded, so that equal decisions have equal traces."""
        self._steps.append(Step(reason, round(before, 3), round(after, 3), message, pool))

    def steps(self) -> tuple[Step, ...]:
        """Return the steps so far."""
        return tuple(self._steps)
