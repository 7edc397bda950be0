import inspect
import re

import pytest
from embedding_operator.api.v1alpha1.conditions import ConditionType, Reason

SOURCE = inspect.getsource(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means(reason: Reason) -> None:
    assert re.search(rf'^    {reason.name} = "{reason.value}"  # \S+ \S+', SOURCE, re.MULTILINE)


@pytest.mark.parametrize("word", [*Reason, *ConditionType])
def test_words_of_conditions_are_camel_case(word: str) -> None:
    assert re.fullmatch(r"([A-Z]+[a-z]+)+", word)
