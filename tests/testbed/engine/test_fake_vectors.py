import math

import pytest

from testbed.engine.fake.tokens import count_tokens
from testbed.engine.fake.vectors import shortened, vector_of


def test_a_vector_depends_on_text_and_space_alone() -> None:
    vector = vector_of("river", space="m", dimension=16)

    assert vector == vector_of("river", space="m", dimension=16)
    assert vector != vector_of("stone", space="m", dimension=16)
    assert vector != vector_of("river", space="n", dimension=16)


@pytest.mark.parametrize("dimension", [8, 384, 1024])
def test_vectors_have_length_one(dimension: int) -> None:
    vector = vector_of((1, 2, 3), space="m", dimension=dimension)

    assert len(vector) == dimension
    assert math.hypot(*vector) == pytest.approx(1)


def test_a_shortened_vector_points_where_the_first_values_point() -> None:
    vector = vector_of("river", space="m", dimension=16)

    short = shortened(vector, dimension=4)

    assert math.hypot(*short) == pytest.approx(1)
    assert [value / short[0] for value in short] == pytest.approx([value / vector[0] for value in vector[:4]])


@pytest.mark.parametrize(("text", "tokens"), [("a", 3), ("a  b\nc", 5), ((1, 2, 3), 3)])
def test_tokens_are_words_and_two_markers_or_the_ids_given(text: str | tuple[int, ...], tokens: int) -> None:
    assert count_tokens(text) == tokens
