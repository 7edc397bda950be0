"""What the scalers of KEDA measure: one external metric each, with target type AverageValue, KEDA's default."""

from dataclasses import dataclass
from typing import Protocol

from embedding_operator.simulation.baselines.daily_plan import DailyPlan
from embedding_operator.simulation.baselines.prometheus import Prometheus
from embedding_operator.simulation.policy import View

QUEUE_THRESHOLD = 10.0
"""Waiting requests per replica: KEDA's prometheus scaler has no default, OME's trigger has 10."""

TARGET_UTILIZATION = 0.7
"""The planned share of a replica's token rate: Knative's `container-concurrency-target-percentage`."""


class Trigger(Protocol):
    """One entry of `triggers`."""

    @property
    def target_per_replica(self) -> float:
        """Return `threshold`."""

    def usage(self, metrics: Prometheus, *, now: float) -> float | None:
        """Return the metric of the whole service, or None if KEDA gets an error (`ignoreNullValues: false`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger:
    """Waiting requests, including those at the gateway, so that there is a signal at zero replicas."""

    target_per_replica: float = QUEUE_THRESHOLD

    def usage(self, metrics: Prometheus, *, now: float) -> float | None:  # noqa: ARG002 - a gauge has no window
        """Return the waiting requests of the last scrape."""
        return metrics.gauge(_waiting_requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRateTrigger:
    """Arriving tokens per second over the last minute."""

    target_per_replica: float

    def usage(self, metrics: Prometheus, *, now: float) -> float | None:
        """Return the tokens per second of the last minute."""
        return metrics.rate(_arrived_tokens, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronTrigger:
    """A `cron` trigger for every hour of a plan. KEDA reads its own clock, no metric, and its target is one replica."""

    plan: DailyPlan
    target_per_replica: float = 1.0

    def usage(self, metrics: Prometheus, *, now: float) -> float | None:  # noqa: ARG002 - it needs the clock alone
        """Return `desiredReplicas` of the window that is open."""
        return float(self.plan.replicas_at(now))


def _waiting_requests(view: View) -> float:
    return view.waiting_requests


def _arrived_tokens(view: View) -> float:
    return view.arrived_tokens
