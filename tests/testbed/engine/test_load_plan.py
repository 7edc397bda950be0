import itertools
import statistics

import pytest

from testbed.load.plan import Arrivals, OpenLoop, Texts


def test_a_constant_rate_has_equal_distances() -> None:
    loop = OpenLoop(rate=4, arrivals=Arrivals.CONSTANT, seed=0)

    assert list(loop.times(duration_seconds=1)) == [0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_rate_as_their_mean_and_their_spread() -> None:
    times = list(OpenLoop(rate=50, arrivals=Arrivals.POISSON, seed=1).times(duration_seconds=200))
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]

    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(1 / 50, rel=0.1)


def test_a_seed_gives_the_same_arrivals_again() -> None:
    first, again, other = (
        list(OpenLoop(rate=5, arrivals=Arrivals.POISSON, seed=seed).times(duration_seconds=20)) for seed in (7, 7, 8)
    )

    assert first == again != other


@pytest.mark.parametrize(("tokens", "words"), [(32, 30), (3, 1), (1, 1)])
def test_texts_have_the_wished_length_and_differ(tokens: int, words: int) -> None:
    texts = Texts(tokens=tokens, seed=0)

    written = [texts.next() for _ in range(50)]

    assert {len(text.split()) for text in written} == {words}
    assert len(set(written)) > 1
