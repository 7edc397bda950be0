"""Whether two engines return the same vectors."""

import math

import pytest
from embedding_operator.domain.observation import Parity
from embedding_operator.domain.placement.parity import Vectors, cosine, parity
from hypothesis import given
from hypothesis import strategies as st

REFERENCE: Vectors = ((1.0, 0.0, 0.0), (0.0, 0.6, 0.8))


@pytest.mark.parametrize(
    "answer",
    [REFERENCE, ((1.0, 0.01, 0.0), (0.0, 0.61, 0.79)), ((5.0, 0.0, 0.0), (0.0, 6.0, 8.0))],
    ids=["equal", "rounded otherwise", "not normalised"],
)
def test_the_same_directions_pass(answer: Vectors) -> None:
    assert parity(REFERENCE, answer) is Parity.PASSED


@pytest.mark.parametrize(
    "answer",
    [
        ((1.0, 0.0, 0.0), (0.0, 0.8, 0.6)),
        ((0.0, 0.6, 0.8), (1.0, 0.0, 0.0)),
        ((-1.0, 0.0, 0.0), (0.0, 0.6, 0.8)),
        ((1.0, 0.0, 0.0),),
        (),
        ((1.0, 0.0), (0.0, 0.6)),
        ((1.0, 0.0, 0.0), ()),
        ((1.0, 0.0, math.nan), (0.0, 0.6, 0.8)),
        ((math.inf, 0.0, 0.0), (0.0, 0.6, 0.8)),
        ((0.0, 0.0, 0.0), (0.0, 0.6, 0.8)),
    ],
    ids=[
        "one text differs",
        "other order",
        "opposite",
        "text missing",
        "empty",
        "shorter vectors",
        "empty vector",
        "NaN",
        "infinite",
        "zero",
    ],
)
def test_anything_else_fails(answer: Vectors) -> None:
    assert parity(REFERENCE, answer) is Parity.FAILED


def test_a_reference_that_is_no_vector_verifies_no_engine() -> None:
    broken = ((math.nan, 0.0, 0.0),)
    assert parity(broken, broken) is Parity.FAILED
    assert parity((), ()) is Parity.FAILED


coordinates = st.floats(-1e6, 1e6, allow_subnormal=False)
vectors = st.lists(coordinates, min_size=3, max_size=3)


@given(vectors, vectors)
def test_a_cosine_is_symmetric_and_between_minus_one_and_one(left: list[float], right: list[float]) -> None:
    angle = cosine(left, right)
    assert angle == cosine(right, left) or math.isnan(angle)
    assert math.isnan(angle) or abs(angle) <= 1.0 + 1e-9
