from datetime import UTC, datetime

import pytest
from embedding_operator.api.v1alpha1.conditions import ConditionType, Reason
from embedding_operator.domain.status.conditions import MAX_MESSAGE, Conditions


@pytest.mark.parametrize("length", [0, MAX_MESSAGE, MAX_MESSAGE + 1, 100_000])
def test_a_message_of_any_length_can_be_written(length: int) -> None:
    conditions = Conditions((), generation=1, now=datetime(2026, 6, 3, tzinfo=UTC))
    conditions.false(ConditionType.READY, Reason.INVALID_SPEC, "x" * length)
    (condition,) = conditions.listed()
    assert len(condition.message) == min(length, MAX_MESSAGE)
    assert condition.message.endswith("...") is (length > MAX_MESSAGE)
