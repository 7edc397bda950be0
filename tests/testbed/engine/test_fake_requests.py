import json

import pytest

from testbed.engine.fake.embedding_request import EmbeddingRequest, LethalInputError, RefusalError, read_request
from testbed.engine.fake.settings import read_settings

CUT = '{"is_matryoshka": true}'
CUT_TO_SOME = '{"matryoshka_dimensions": [64, 128]}'


def read(*, override: str = "{}", **document: object) -> EmbeddingRequest:
    settings = read_settings(["--model-path", "m", "--json-model-override-args", override], environment={})
    body = json.dumps(document).encode()
    return read_request(
        body, content_type="application/json", engine=settings.engine, dimension=256, vocabulary_size=1000
    )


@pytest.mark.parametrize(("override", "asked"), [(CUT, 1), (CUT, 256), (CUT_TO_SOME, 64), (CUT_TO_SOME, 128)])
def test_a_model_that_may_be_cut_takes_these_dimensions(override: str, asked: int) -> None:
    assert read(override=override, input="a", dimensions=asked).dimensions == asked


@pytest.mark.parametrize(
    ("override", "asked", "message"),
    [
        (CUT, 0, "must be greater than 0"),
        (CUT, 257, "greater than max embedding dimension: 256"),
        (CUT_TO_SOME, 100, r"only supports \[64, 128\]"),
        ("{}", 64, "does not support matryoshka"),
    ],
)
def test_other_dimensions_are_refused(override: str, asked: int, message: str) -> None:
    with pytest.raises(RefusalError, match=message):
        read(override=override, input="a", dimensions=asked)


@pytest.mark.parametrize("ids", [[1000], [-1], [[]], [[1], [1000]]])
def test_token_ids_that_the_model_has_no_row_for_are_lethal(ids: list[object]) -> None:
    with pytest.raises(LethalInputError):
        read(input=ids)
