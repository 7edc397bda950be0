"""Every step of every decision is a sentence."""

import re

import pytest
from embedding_operator.api.v1alpha1.status import DecisionStep
from embedding_operator.cli.step_text import TEMPLATES, figure, sentence
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from hypothesis import given

from tests.unit.domain.status.test_report import SCENES
from tests.unit.domain.test_decide_properties import observations
from tests.unit.domain.test_decide_tables import TABLE


def step(reason: str, message: str, *, before: float = 0.0, after: float = 0.0) -> DecisionStep:
    return DecisionStep(reason=reason, before=before, after=after, message=message)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            step("RateDemand", "5200 tokens/s arrive", before=0, after=6500),
            "5200 tokens/s arrive: with headroom, this takes 6,500 tokens/s; the queue takes 0.",
        ),
        (
            step("RateDemand", "0 tokens/s arrive"),
            "No requests wait or arrive, so the load requires nothing.",
        ),
        (
            step("DownStabilized", "in the last 300 s more was needed", before=1200.5, after=2000),
            "Scaling down to 1,200 tokens/s waits (in the last 300 s more was needed): 2,000 for now.",
        ),
        (
            step("DownFrozen", "a10: replicas are held", before=1, after=3),
            "a10: replicas are held: 3 instead of 1, as scaling down needs complete metrics.",
        ),
        (
            step("AtMaximum", "maxReplicas of window night is below the requirement", before=900, after=400),
            (
                "maxReplicas of window night is below the requirement: 400 of 900 tokens/s. Raise maxReplicas to "
                "serve the rest."
            ),
        ),
        (
            step("Foreseen", "the oracle of a newer operator expects more"),
            "The oracle of a newer operator expects more.",
        ),
    ],
)
def test_a_step_as_a_sentence(told: DecisionStep, expected: str) -> None:
    assert sentence(told) == expected


def test_every_reason_has_a_sentence_of_its_own() -> None:
    assert {reason for reason in StepReason if reason not in TEMPLATES} == set()


@given(observations())
def test_whatever_is_decided_can_be_told(observation: object) -> None:
    for each in decide(observation).steps:  # type: ignore[arg-type]
        said = sentence(step(each.reason, each.message, before=each.before, after=each.after))
        assert re.fullmatch(r"\S.*[^.:]\.", said)
        assert "{" not in said


def test_the_decisions_of_the_tables_can_be_told() -> None:
    for observation in [scene for _, scene, *_ in TABLE] + [scene for _, scene, *_ in SCENES]:
        for each in decide(observation).steps:
            assert sentence(step(each.reason, each.message, before=each.before, after=each.after)).endswith(".")


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0.0, "0"), (3.0, "3"), (3.25, "3.2"), (99.96, "100.0"), (1234.5, "1,234"), (1e6, "1,000,000")],
)
def test_numbers_are_written_as_people_do(number: float, expected: str) -> None:
    assert figure(number) == expected
