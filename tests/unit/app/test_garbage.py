"""A collection does not look at what was known when the operator began."""

import gc
import weakref
from collections.abc import Iterator

import pytest
from embedding_operator.app.garbage import leave_out_what_is_known


class Known:
    """An object as the store has thousands of."""


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_known_is_left_out_and_freed_all_the_same() -> None:
    known = {"object": Known()}
    gone = weakref.ref(known["object"])
    leave_out_what_is_known()

    assert gc.get_freeze_count() > 0
    assert not any(each is known for each in gc.get_objects())
    del known["object"]
    assert gone() is None
