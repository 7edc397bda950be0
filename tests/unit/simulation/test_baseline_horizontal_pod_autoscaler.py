"""The autoscaler against tables computed by hand from the controller's rules."""

import pytest
from embedding_operator.simulation.baselines import horizontal_pod_autoscaler
from embedding_operator.simulation.baselines.horizontal_pod_autoscaler import ExternalMetric, HorizontalPodAutoscaler
from hypothesis import given
from hypothesis import strategies as st


def metric(usage: float | None, *, target: float = 10.0) -> ExternalMetric:
    return ExternalMetric(usage=usage, target_per_replica=target)


def once(*metrics: ExternalMetric, replicas: int, minimum: int = 1, maximum: int = 100) -> int:
    return HorizontalPodAutoscaler().sync(0.0, replicas=replicas, minimum=minimum, maximum=maximum, metrics=metrics)


def test_constants_are_those_of_the_controller() -> None:
    assert horizontal_pod_autoscaler.SYNC_SECONDS == 15
    assert horizontal_pod_autoscaler.TOLERANCE == 0.1
    assert (horizontal_pod_autoscaler.UP_PODS, horizontal_pod_autoscaler.UP_PERCENT) == (4, 100)
    assert horizontal_pod_autoscaler.DOWN_WINDOW_SECONDS == 300


@pytest.mark.parametrize(
    ("usage", "replicas", "expected"),
    [
        pytest.param(40, 4, 4, id="exactly at the target"),
        pytest.param(43.9, 4, 4, id="9.75 % over is within tolerance"),
        pytest.param(44.1, 4, 5, id="10.25 % over is not: ceil(4.41)"),
        pytest.param(36.1, 4, 4, id="9.75 % under is within tolerance"),
        pytest.param(81, 4, 8, id="ceil(8.1) = 9 but 100 % more is 8, and four more is 8"),
        pytest.param(1000, 1, 5, id="from one: four more pods beat 100 %"),
        pytest.param(1000, 10, 20, id="from ten: 100 % beats four pods"),
        pytest.param(1000, 60, 100, id="no further than the maximum"),
    ],
)
def test_one_sync(usage: float, replicas: int, expected: int) -> None:
    assert once(metric(usage), replicas=replicas) == expected


def test_largest_metric_wins() -> None:
    assert once(metric(60), metric(5000, target=1000), metric(10), replicas=4) == 6


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        pytest.param([metric(None)], 4, id="nothing known: hold"),
        pytest.param([metric(None), metric(10)], 4, id="the rest say down: hold"),
        pytest.param([metric(None), metric(60)], 6, id="the rest say up: up"),
    ],
)
def test_metrics_that_cannot_be_had(metrics: list[ExternalMetric], expected: int) -> None:
    assert once(*metrics, replicas=4) == expected


@pytest.mark.parametrize(("replicas", "expected"), [(1, 2), (9, 8)])
def test_replicas_outside_the_bounds_go_to_the_bound_whatever_the_metrics(replicas: int, expected: int) -> None:
    assert once(metric(50), replicas=replicas, minimum=2, maximum=8) == expected


def test_falls_to_the_highest_answer_of_the_last_300_seconds() -> None:
    autoscaler = HorizontalPodAutoscaler()
    usage_at = {0: 80.0, 15: 60.0, 30: 40.0}
    replicas, seen = 8, {}
    for now in range(0, 361, 15):
        metrics = [metric(usage_at.get(now, 10.0))]
        replicas = autoscaler.sync(now, replicas=replicas, minimum=1, maximum=100, metrics=metrics)
        seen[now] = replicas
    # Recommendations count until 300 s old: that of 0 s (8) until 285 s, of 15 s (6) until 300, of 30 s (4) until 315.
    assert [seen[now] for now in (0, 30, 285, 300, 315, 330, 345, 360)] == [8, 8, 8, 6, 4, 1, 1, 1]


def test_replicas_met_at_first_count_as_recommended() -> None:
    autoscaler = HorizontalPodAutoscaler(down_window_seconds=60)
    replicas, seen = 5, []
    for now in range(0, 90, 15):
        replicas = autoscaler.sync(now, replicas=replicas, minimum=1, maximum=100, metrics=[metric(10)])
        seen.append(replicas)
    assert seen == [5, 5, 5, 5, 1, 1]


@given(
    usages=st.lists(st.floats(0, 1e6), min_size=1, max_size=40),
    replicas=st.integers(1, 20),
)
def test_stays_in_bounds_and_never_more_than_doubles_or_adds_four(usages: list[float], replicas: int) -> None:
    autoscaler = HorizontalPodAutoscaler()
    for sync, usage in enumerate(usages):
        after = autoscaler.sync(15.0 * sync, replicas=replicas, minimum=1, maximum=20, metrics=[metric(usage)])
        assert 1 <= after <= min(20, max(2 * replicas, replicas + 4))
        replicas = after
