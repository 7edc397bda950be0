"""Which samples are kept."""

import itertools
from datetime import timedelta

from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.telemetry.history import History

from tests.world.builders import NOON


def sample(uid: str, seconds: float) -> EngineSample:
    return EngineSample(pod_uid=uid, taken_at=NOON + timedelta(seconds=seconds), in_flight=seconds)


def recorded(*samples: EngineSample, until: float) -> dict[str, list[float]]:
    history: History[str, EngineSample] = History(window=60)
    for each in samples:
        history.record("service", [each], now=each.taken_at)
    history.record("service", [], now=NOON + timedelta(seconds=until))
    return {
        uid: [(each.taken_at - NOON).total_seconds() for each in series]
        for uid, series in history.series("service").items()
    }


def test_samples_are_kept_by_pod_oldest_first() -> None:
    assert recorded(sample("a", 0), sample("b", 1), sample("a", 5), until=5) == {"a": [0, 5], "b": [1]}


def test_a_window_of_samples_is_kept_and_no_more() -> None:
    assert recorded(*(sample("a", each) for each in range(0, 1000, 5)), until=995) == {
        "a": [float(each) for each in range(935, 1000, 5)]
    }


def test_a_pod_that_left_is_kept_for_the_window_and_then_forgotten() -> None:
    assert recorded(sample("left", 0), sample("a", 0), sample("a", 60), until=60) == {"left": [0], "a": [0, 60]}
    assert recorded(sample("left", 0), sample("a", 0), sample("a", 61), until=61) == {"a": [61]}


def test_an_answer_that_comes_late_is_left_out() -> None:
    assert recorded(sample("a", 5), sample("a", 3), sample("a", 5), sample("a", 6), until=6) == {"a": [5, 6]}


def test_services_do_not_see_each_other_and_can_be_forgotten() -> None:
    history: History[str, EngineSample] = History()
    history.record("one", [sample("a", 0)], now=NOON)
    history.record("two", [sample("b", 0)], now=NOON)
    assert list(history.series("one")) == ["a"]
    history.forget("one")
    assert history.series("one") == {}
    assert list(history.series("two")) == ["b"]
    history.forget("never known")


def test_the_newest_sample_counts_and_those_that_come_often_are_thinned() -> None:
    often = [sample("a", each / 5) for each in range(301)]
    kept = recorded(*often, until=60)["a"]
    assert kept[-1] == 60.0
    assert len(kept) <= 26
    assert all(later - earlier < 2.7 for earlier, later in itertools.pairwise(kept))


def test_samples_of_ticks_are_all_kept() -> None:
    assert recorded(*(sample("a", each) for each in (0, 2.5, 5)), until=5) == {"a": [0, 2.5, 5]}
