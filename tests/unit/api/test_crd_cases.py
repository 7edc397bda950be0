"""The examples for the API server cover every rule."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from embedding_operator.api.crd import CUSTOM_RESOURCES, CustomResource

from tests.contract.kube.crd_cases import load_cases

CASES = load_cases()


def rules_of(resource: CustomResource) -> Iterator[str]:
    """Yield the message of every rule of the resource."""
    yield from _messages(resource.document()["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def _messages(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (rule["message"] for rule in node.get("x-kubernetes-validations", ()))
        for child in node.values():
            yield from _messages(child)


@pytest.mark.parametrize("resource", CUSTOM_RESOURCES, ids=lambda resource: resource.kind)
def test_every_rule_is_broken_by_an_example(resource: CustomResource) -> None:
    """A rule that two kinds share needs an example in only one of them."""
    shown = [case.message for case in CASES]
    assert [message for message in rules_of(resource) if not any(message.startswith(each) for each in shown)] == []


def test_every_example_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
