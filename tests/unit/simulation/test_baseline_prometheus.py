import pytest
from embedding_operator.simulation.baselines.prometheus import Prometheus
from embedding_operator.simulation.policy import View

from tests.unit.simulation.views import pool, view


def waiting(shown: View) -> float:
    return shown.waiting_requests


def arrived(shown: View) -> float:
    return shown.arrived_tokens


def test_nothing_is_known_before_the_first_scrape() -> None:
    assert Prometheus().gauge(waiting) is None
    assert Prometheus().rate(arrived, now=0) is None


def test_a_gauge_is_that_of_the_last_scrape() -> None:
    metrics = Prometheus()
    known = []
    for look, requests in enumerate([1, 2, 3, 4, 5]):
        metrics.observe(view(7.5 * look, pool(replicas=1), waiting=requests))
        known.append(metrics.gauge(waiting))
    assert known == [1, 1, 3, 3, 5]


def test_a_rate_is_the_slope_of_the_last_minute() -> None:
    metrics = Prometheus()
    totals = {0: 0.0, 15: 3000.0, 30: 3000.0, 45: 4500.0, 60: 4500.0, 75: 4500.0}
    rates = {}
    for now, total in totals.items():
        metrics.observe(view(now, pool(replicas=1), arrived=total))
        rates[now] = metrics.rate(arrived, now=now)
    # At 60 s the sample of 0 s is a whole window old and gone: from 3,000 at 15 s to 4,500 in 45 s.
    assert rates == {
        0: None,
        15: 200.0,
        30: 100.0,
        45: 100.0,
        60: pytest.approx(1500 / 45),
        75: pytest.approx(1500 / 45),
    }


def test_a_rate_is_unknown_once_the_samples_are_old() -> None:
    metrics = Prometheus()
    for now in (0, 15, 30):
        metrics.observe(view(now, pool(replicas=1), arrived=now))
    assert metrics.rate(arrived, now=74) == 1.0
    assert metrics.rate(arrived, now=75) is None
