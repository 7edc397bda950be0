"""The three ScaledObjects that are compared: they differ only in their triggers."""

from embedding_operator.simulation.baselines.daily_plan import DailyPlan
from embedding_operator.simulation.baselines.horizontal_pod_autoscaler import DOWN_WINDOW_SECONDS
from embedding_operator.simulation.baselines.keda import Keda
from embedding_operator.simulation.baselines.triggers import (
    QUEUE_THRESHOLD,
    TARGET_UTILIZATION,
    CronTrigger,
    QueueTrigger,
    TokenRateTrigger,
)

FAIR_BASELINE = "KEDA queue + rate"
"""The best configuration of KEDA without a schedule, which ours must not lose to."""


def keda_queue(
    *, pool: str, threshold: float = QUEUE_THRESHOLD, down_window_seconds: float = DOWN_WINDOW_SECONDS
) -> Keda:
    """Return KEDA with a trigger on waiting requests."""
    triggers = [QueueTrigger(target_per_replica=threshold)]
    return Keda(name="KEDA queue", pool=pool, triggers=triggers, down_window_seconds=down_window_seconds)


def keda_queue_and_rate(
    *,
    pool: str,
    tokens_per_second: float,
    threshold: float = QUEUE_THRESHOLD,
    utilization: float = TARGET_UTILIZATION,
) -> Keda:
    """Return KEDA with triggers on waiting requests and arriving tokens; a replica computes `tokens_per_second`."""
    rate = TokenRateTrigger(target_per_replica=tokens_per_second * utilization)
    return Keda(name=FAIR_BASELINE, pool=pool, triggers=[QueueTrigger(target_per_replica=threshold), rate])


def keda_queue_and_cron(*, pool: str, plan: DailyPlan, threshold: float = QUEUE_THRESHOLD) -> Keda:
    """Return KEDA with a trigger on waiting requests above an hourly floor."""
    queue = QueueTrigger(target_per_replica=threshold)
    return Keda(name="KEDA queue + cron", pool=pool, triggers=[queue, CronTrigger(plan=plan)])
