from collections.abc import Mapping

from embedding_operator.simulation.baselines.horizontal_pod_autoscaler import (
    DOWN_WINDOW_SECONDS,
    SYNC_SECONDS,
    ExternalMetric,
    HorizontalPodAutoscaler,
)
from embedding_operator.simulation.baselines.metronome import Metronome
from embedding_operator.simulation.baselines.prometheus import HALF_A_SCRAPE, Prometheus
from embedding_operator.simulation.baselines.triggers import QUEUE_THRESHOLD, QueueTrigger
from embedding_operator.simulation.policy import View


class QueueAutoscaler:
    """A policy: a HorizontalPodAutoscaler of one pool on waiting requests, through prometheus-adapter.

    It keeps at least one replica: from zero it would never scale up, which Kubernetes calls implicit maintenance mode.
    """

    name = "HPA queue"
    period = HALF_A_SCRAPE

    def __init__(
        self, *, pool: str, threshold: float = QUEUE_THRESHOLD, down_window_seconds: float = DOWN_WINDOW_SECONDS
    ) -> None:
        self._pool = pool
        self._trigger = QueueTrigger(target_per_replica=threshold)
        self._metrics = Prometheus()
        self._autoscaler = HorizontalPodAutoscaler(down_window_seconds=down_window_seconds)
        self._sync = Metronome(SYNC_SECONDS, first=HALF_A_SCRAPE)

    def look(self, view: View) -> Mapping[str, int]:
        """Return the replicas at a sync, nothing between syncs."""
        self._metrics.observe(view)
        if not self._sync.is_due(view.now):
            return {}
        pool = view.pool(self._pool)
        usage = self._trigger.usage(self._metrics, now=view.now)
        replicas = self._autoscaler.sync(
            view.now,
            replicas=pool.replicas,
            minimum=max(1, pool.min_replicas),
            maximum=max(1, pool.max_replicas),
            metrics=[ExternalMetric(usage=usage, target_per_replica=self._trigger.target_per_replica)],
        )
        return {self._pool: replicas}
