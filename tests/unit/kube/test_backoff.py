"""Pauses between retries."""

import pytest
from embedding_operator.kube.backoff import Backoff


@pytest.mark.parametrize(("jitter", "pause"), [(0.0, 4.0), (0.5, 3.0), (1.0, 2.0)])
def test_jitter_shortens_a_pause_by_up_to_a_half(jitter: float, pause: float) -> None:
    assert Backoff(jitter=lambda: jitter, first=4.0).pause(1) == pause


def test_pauses_grow_to_a_limit() -> None:
    backoff = Backoff(jitter=lambda: 0.0, first=0.2, longest=5.0)

    pauses = [backoff.pause(failures) for failures in range(1, 2000)]

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (0.2, 5.0)
