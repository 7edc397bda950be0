"""The work of each engine since the last decision, from its samples."""

from datetime import datetime, timedelta
from typing import Any

from embedding_operator.domain.capacity.throughput import work_since
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.observation import WorkSample

from tests.world.builders import NOON


def sample(ago: float, **figures: Any) -> EngineSample:
    taken = NOON - timedelta(seconds=ago)
    return EngineSample(pod_uid="a", taken_at=taken, **({"in_flight": 0.0, "tokens_done": 0.0} | figures))


def done(*samples: EngineSample, since: datetime | None = None) -> tuple[WorkSample, ...]:
    return work_since(since, series={"a": samples}, now=NOON)["a"]


def test_a_stretch_of_time_has_a_rate_and_what_was_in_flight_at_its_ends() -> None:
    begin = sample(5, in_flight=4.0, tokens_done=1000.0)
    end = sample(0, in_flight=8.0, tokens_done=6000.0)
    assert done(begin, end) == (WorkSample(tokens_per_second=1000.0, in_flight=6.0, least_in_flight=4.0, waited=False),)


def three_looks(*waiting: float | None) -> WorkSample:
    """Return a replica's work in the last of two intervals; `waiting` tokens were seen around them."""
    looks = zip((10, 5, 0), waiting, strict=True)
    samples = [sample(ago, tokens_done=1e5 - 1000.0 * ago, waiting_tokens=tokens) for ago, tokens in looks]
    return done(*samples)[-1]


def test_tokens_wait_throughout_if_they_do_at_both_ends_and_before() -> None:
    """An interval of 1,000 tokens/s: 250 tokens are the batch that always waits."""
    assert three_looks(300.0, 300.0, 300.0).waited
    for looks in ((0.0, 300.0, 300.0), (300.0, 0.0, 300.0), (300.0, 300.0, 0.0), (None, None, None)):
        assert not three_looks(*looks).waited


def test_a_batch_that_waits_for_the_one_before_it_is_no_saturation() -> None:
    """A replica that is a third busy shows this at most polls: a third of its capacity would be learned."""
    assert not three_looks(200.0, 200.0, 200.0).waited


def test_two_looks_tell_nothing_of_what_waited_throughout() -> None:
    (work,) = done(sample(5, waiting_tokens=900.0), sample(0, tokens_done=1000.0, waiting_tokens=900.0))
    assert not work.waited


def test_requests_in_flight_are_the_fewest_of_three_looks() -> None:
    samples = [sample(ago, in_flight=number) for ago, number in ((10, 3.0), (5, 8.0), (0, 6.0))]
    assert [each.least_in_flight for each in done(*samples)] == [3.0, 3.0]
    assert [each.in_flight for each in done(*samples)] == [5.5, 7.0]


def test_a_stretch_counts_once_however_often_engines_are_asked() -> None:
    samples = [sample(10, tokens_done=0), sample(5, tokens_done=5000), sample(0, tokens_done=15000)]
    assert [each.tokens_per_second for each in done(*samples)] == [1000.0, 2000.0]
    assert [each.tokens_per_second for each in done(*samples, since=NOON - timedelta(seconds=4))] == [2000.0]
    assert done(*samples, since=NOON) == ()
    dense = [sample(5.2), sample(0.2, tokens_done=5000), sample(0, tokens_done=5001)]
    assert [each.tokens_per_second for each in done(*dense)] == [1000.0]


def test_an_engine_that_began_anew_did_nothing_that_is_known() -> None:
    assert done(sample(5, tokens_done=1e6), sample(0, tokens_done=10.0)) == ()


def test_one_sample_and_wrong_values_say_nothing() -> None:
    assert done(sample(0)) == ()
    assert done() == ()
    assert done(sample(5), sample(0, tokens_done=float("nan"))) == ()
