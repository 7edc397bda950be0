"""Responses of the real Prometheus, and what the operator makes of them."""

import math
from datetime import timedelta

import pytest
from embedding_operator.telemetry.prometheus import Prometheus, PrometheusError, Range

from tests.contract.prometheus.server import days_ago


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("queue_length", 42.0),
        ("sum(two_queues)", 3.0),
        ("scalar(queue_length) / 2", 21.0),
        ("queue_length > 100 or vector(0)", 0.0),
        ("queue_length / 0", math.inf),
        ("-1", -1.0),
    ],
)
async def test_one_number_is_the_value(address: str, client: Prometheus, query: str, value: float) -> None:
    answer = await client.value(address, query)
    assert (answer.value, answer.problem) == (value, None)


async def test_nan_stays_what_it_is_for_the_decision_to_refuse(address: str, client: Prometheus) -> None:
    answer = await client.value(address, "queue_length * NaN")
    assert answer.value is not None
    assert math.isnan(answer.value)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("no_such_metric", "the query returns no series: append 'or vector(0)' if that means an empty queue"),
        ("queue_length > 100", "the query returns no series: append 'or vector(0)' if that means an empty queue"),
        ("two_queues", "the query returns several series: sum them"),
        ("queue_length[1m]", "the query returns a range: query one instant, without [...]"),
        ('"words"', "the query returns text: query a number"),
        ("sum(", "the server rejected the query: invalid parameter"),
    ],
)
async def test_everything_else_is_a_problem_and_no_value(
    address: str, client: Prometheus, query: str, problem: str
) -> None:
    answer = await client.value(address, query)
    assert answer.value is None
    assert answer.problem is not None
    assert answer.problem.startswith(problem)


async def test_the_path_of_an_address_counts(address: str, client: Prometheus) -> None:
    assert (await client.value(f"{address}/", "queue_length")).value == 42.0
    assert (await client.value(f"{address}/elsewhere", "queue_length")).value is None


async def test_history_is_what_was_recorded(address: str, client: Prometheus) -> None:
    """Twelve hours, one sample per hour, three days ago: all are returned, in order, with their times."""
    during = Range(start=days_ago(4), end=days_ago(2), step=timedelta(minutes=5))
    points = await client.history(address, "past_requirement", during=during)
    assert {value for _, value in points} == {100.0 + hour for hour in range(13)}
    assert [value for _, value in points] == sorted((value for _, value in points), reverse=True)
    assert abs(points[0][0] - days_ago(3.5).timestamp()) < 600


async def test_history_of_nothing_is_empty_and_of_several_series_refused(address: str, client: Prometheus) -> None:
    during = Range(start=days_ago(0.001), end=days_ago(-0.001), step=timedelta(seconds=1))
    assert await client.history(address, "no_such_metric", during=during) == ()
    with pytest.raises(PrometheusError, match="several series"):
        await client.history(address, "two_queues", during=during)
    with pytest.raises(PrometheusError, match="rejected the query"):
        await client.history(address, "sum(", during=during)
