"""The settings of each baseline. Every policy, including ours, gets the same number of tries on the train week."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

from embedding_operator.simulation.baselines import day_and_night, hourly_cron, knative, kubeai, static_peak
from embedding_operator.simulation.baselines.day_and_night import DayAndNight
from embedding_operator.simulation.baselines.horizontal_pod_autoscaler import DOWN_WINDOW_SECONDS
from embedding_operator.simulation.baselines.knative import Knative
from embedding_operator.simulation.baselines.kubeai import KubeAI
from embedding_operator.simulation.baselines.queue_autoscaler import QueueAutoscaler
from embedding_operator.simulation.baselines.scaled_objects import keda_queue, keda_queue_and_cron, keda_queue_and_rate
from embedding_operator.simulation.baselines.training import TrainingWeek
from embedding_operator.simulation.baselines.triggers import QUEUE_THRESHOLD, TARGET_UTILIZATION
from embedding_operator.simulation.policy import SimPolicy

BUDGET = 12
"""The number of settings that are tried for each policy."""

QUEUE_THRESHOLDS = (1.0, 2.0, 5.0, QUEUE_THRESHOLD, 20.0, 50.0)
DOWN_WINDOWS = (DOWN_WINDOW_SECONDS, 900.0)

Parameters = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One baseline and the settings that are tried, including those of its sources (`default`).

    `build` creates a new policy, since policies have state.
    """

    policy: str
    default: Parameters
    candidates: tuple[Parameters, ...]
    build: Callable[[Parameters], SimPolicy]


def on_one_pool(week: TrainingWeek) -> tuple[Grid, ...]:
    """Return the baselines that scale one pool; schedules are fitted to `week`."""
    return (*_by_clock(week), *_by_queue(week), *_by_requests_in_flight(week))


def on_two_pools(week: TrainingWeek, *, night_pool: str) -> tuple[Grid, ...]:
    """Return the fixed plan; its day is set to the busiest hours of the train week, which favours it.

    The tutorials' two A10 and one T4 are for a peak of two A10: other peaks have as many A10, and half as many T4.
    """
    by_day = max(1, round(week.peak(percentile=static_peak.PERCENTILE)))

    def build(parameters: Parameters) -> SimPolicy:
        hours = int(parameters["day_hours"])
        return day_and_night.day_and_night(
            DayAndNight(
                day_pool=week.pool,
                night_pool=night_pool,
                day_starts=week.busiest_hours(hours),
                day_hours=hours,
                day_replicas=by_day,
                night_replicas=math.ceil(by_day * day_and_night.NIGHT_REPLICAS / day_and_night.DAY_REPLICAS),
                overlap_seconds=parameters["overlap_seconds"],
            )
        )

    return (
        Grid(
            policy="Fixed day and night",
            default={"day_hours": day_and_night.DAY_HOURS, "overlap_seconds": 0.0},
            candidates=_product(day_hours=(10, 12, 14, 16), overlap_seconds=(0.0, 120.0, 480.0)),
            build=build,
        ),
    )


def _by_clock(week: TrainingWeek) -> tuple[Grid, ...]:
    return (
        Grid(
            policy="Static peak",
            default={"percentile": static_peak.PERCENTILE, "utilization": static_peak.UTILIZATION},
            candidates=_product(percentile=(99.0, 99.9, 100.0), utilization=(0.6, 0.7, 0.8, 0.9)),
            build=lambda parameters: static_peak.static_peak(week, **parameters),
        ),
        Grid(
            policy="Hourly cron",
            default={
                "percentile": hourly_cron.PERCENTILE,
                "utilization": hourly_cron.UTILIZATION,
                "ahead_seconds": 0.0,
            },
            candidates=_product(percentile=(95.0, 99.0, 100.0), utilization=(0.6, 0.8), ahead_seconds=(0.0, 600.0)),
            build=lambda parameters: hourly_cron.hourly_cron(week, **parameters),
        ),
    )


def _by_queue(week: TrainingWeek) -> tuple[Grid, ...]:
    def with_cron(parameters: Parameters) -> SimPolicy:
        plan = week.daily_plan(
            percentile=hourly_cron.PERCENTILE,
            utilization=parameters["utilization"],
            ahead_seconds=parameters["ahead_seconds"],
        )
        return keda_queue_and_cron(pool=week.pool, plan=plan, threshold=parameters["threshold"])

    queue_alone = {"threshold": QUEUE_THRESHOLD, "down_window_seconds": DOWN_WINDOW_SECONDS}
    thresholds_and_windows = _product(threshold=QUEUE_THRESHOLDS, down_window_seconds=DOWN_WINDOWS)
    return (
        Grid(
            policy="HPA queue",
            default=queue_alone,
            candidates=thresholds_and_windows,
            build=lambda parameters: QueueAutoscaler(pool=week.pool, **parameters),
        ),
        Grid(
            policy="KEDA queue",
            default=queue_alone,
            candidates=thresholds_and_windows,
            build=lambda parameters: keda_queue(pool=week.pool, **parameters),
        ),
        Grid(
            policy="KEDA queue + rate",
            default={"threshold": QUEUE_THRESHOLD, "utilization": TARGET_UTILIZATION},
            candidates=_product(
                threshold=(2.0, QUEUE_THRESHOLD), utilization=(0.4, 0.5, 0.6, TARGET_UTILIZATION, 0.8, 0.9)
            ),
            build=lambda parameters: keda_queue_and_rate(
                pool=week.pool, tokens_per_second=week.tokens_per_second, **parameters
            ),
        ),
        Grid(
            policy="KEDA queue + cron",
            default={"threshold": QUEUE_THRESHOLD, "utilization": hourly_cron.UTILIZATION, "ahead_seconds": 0.0},
            candidates=_product(
                threshold=(2.0, QUEUE_THRESHOLD, 50.0), utilization=(0.6, 0.8), ahead_seconds=(0.0, 600.0)
            ),
            build=with_cron,
        ),
    )


def _by_requests_in_flight(week: TrainingWeek) -> tuple[Grid, ...]:
    return (
        Grid(
            policy="Knative KPA",
            default={
                "concurrency": knative.CONCURRENCY_TARGET,
                "stable_window_seconds": knative.STABLE_WINDOW_SECONDS,
            },
            candidates=_product(
                concurrency=(2.0, 4.0, 8.0, 16.0, 40.0, knative.CONCURRENCY_TARGET),
                stable_window_seconds=(knative.STABLE_WINDOW_SECONDS, 600.0),
            ),
            build=lambda parameters: Knative(pool=week.pool, **parameters),
        ),
        Grid(
            policy="KubeAI",
            default={
                "target_requests": kubeai.TARGET_REQUESTS,
                "scale_down_delay_seconds": kubeai.SCALE_DOWN_DELAY_SECONDS,
            },
            candidates=_product(
                target_requests=(1.0, 2.0, 4.0, 10.0, 30.0, kubeai.TARGET_REQUESTS),
                scale_down_delay_seconds=(kubeai.SCALE_DOWN_DELAY_SECONDS, 600.0),
            ),
            build=lambda parameters: KubeAI(pool=week.pool, **parameters),
        ),
    )


def _product(**values: tuple[float, ...]) -> tuple[Parameters, ...]:
    return tuple(dict(zip(values, chosen, strict=True)) for chosen in product(*values.values()))
