"""The requirement of a load: which waiting requests are backlog, and which are the next batch."""

from dataclasses import replace

import pytest
from embedding_operator.domain.demand.backlog_forecast import Outlook
from embedding_operator.domain.demand.lines import Lines, lines_of
from embedding_operator.domain.observation import ScalingPolicy

from tests.world.observations import A10, load

HELP = Outlook(startup_seconds=60.0)


def demand(
    *, waiting: float, tokens_per_request: float, ready: int, rate: float = 0.0, queued_seconds: float = 5.0
) -> Lines:
    tokens = waiting * tokens_per_request
    measured = replace(load(queue=waiting, tokens=tokens, rate=rate), tokens_per_request=tokens_per_request)
    return lines_of(
        measured,
        policy=ScalingPolicy(),
        ready_capacity=ready * A10,
        replica_capacity=A10,
        queued_seconds=queued_seconds,
        ahead=HELP,
    )


@pytest.mark.parametrize(("waiting", "replicas"), [(9, 0), (50, 0), (51, 1), (58, 1), (59, 2)])
def test_requests_that_the_next_batch_takes_need_no_replica(waiting: int, replicas: int) -> None:
    """Two replicas of 1,000 tokens/s take 500 tokens in a quarter of a second: 50 requests of 10."""
    assert demand(waiting=waiting, tokens_per_request=10.0, ready=2).queue_term == replicas * A10


def test_long_requests_are_debt_sooner_than_short_ones() -> None:
    long, short = (demand(waiting=10, tokens_per_request=length, ready=2) for length in (1000.0, 10.0))
    assert long.queue_term > short.queue_term == 0.0


def test_where_no_replica_serves_every_request_counts() -> None:
    assert demand(waiting=9, tokens_per_request=10.0, ready=0).queue_term == 2 * A10


@pytest.mark.parametrize(
    ("waiting", "queued_seconds", "replicas"),
    [(199, 0.0, 0), (200, 0.0, 19), (199, 3.9, 0), (199, 4.0, 19), (58, 4.0, 1), (50, 4.0, 0)],
)
def test_less_than_a_second_of_work_counts_once_it_has_lasted(
    waiting: int, queued_seconds: float, replicas: int
) -> None:
    term = demand(waiting=waiting, tokens_per_request=10.0, ready=2, queued_seconds=queued_seconds).queue_term
    assert round(term / A10) == replicas


def test_requests_whose_tokens_are_not_known_count_with_the_mean_length() -> None:
    measured = replace(load(queue=33, tokens=0.0), tokens_per_request=100.0)
    assert measured.work_that_waits == 3300.0
    assert replace(measured, queue_tokens=5000.0).work_that_waits == 5000.0
