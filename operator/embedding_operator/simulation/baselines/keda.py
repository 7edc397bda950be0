"""KEDA: a HorizontalPodAutoscaler scales between one and many replicas, KEDA itself between zero and one.

Constants are those of kedacore/keda: `apis/keda/v1alpha1/withtriggers_types.go` and `pkg/scaling/executor`.
"""

from collections.abc import Mapping, Sequence

from embedding_operator.simulation.baselines.horizontal_pod_autoscaler import (
    DOWN_WINDOW_SECONDS,
    SYNC_SECONDS,
    ExternalMetric,
    HorizontalPodAutoscaler,
)
from embedding_operator.simulation.baselines.metronome import Metronome
from embedding_operator.simulation.baselines.prometheus import HALF_A_SCRAPE, Prometheus
from embedding_operator.simulation.baselines.triggers import Trigger
from embedding_operator.simulation.policy import PoolView, View

POLLING_SECONDS = 30.0
"""`pollingInterval`: how often KEDA polls the triggers to scale from zero to one replica and back."""

COOLDOWN_SECONDS = 300.0
"""`cooldownPeriod`: the time since a trigger was last active before the last replicas are removed."""

ACTIVATION_THRESHOLD = 0.0
"""`activationThreshold`: a trigger is active above it, not at it."""


class Keda:
    """A policy: a ScaledObject of one pool with its triggers.

    Its autoscaler reads the metrics live every 15 s (`useCachedMetrics: false`) and uses the largest result.
    """

    period = HALF_A_SCRAPE

    def __init__(
        self,
        *,
        name: str,
        pool: str,
        triggers: Sequence[Trigger],
        cooldown_seconds: float = COOLDOWN_SECONDS,
        down_window_seconds: float = DOWN_WINDOW_SECONDS,
    ) -> None:
        self.name = name
        self._pool = pool
        self._triggers = tuple(triggers)
        self._cooldown = cooldown_seconds
        self._metrics = Prometheus()
        self._autoscaler = HorizontalPodAutoscaler(down_window_seconds=down_window_seconds)
        self._sync = Metronome(SYNC_SECONDS, first=HALF_A_SCRAPE)
        self._poll = Metronome(POLLING_SECONDS, first=HALF_A_SCRAPE)
        self._active_at: float | None = None

    def look(self, view: View) -> Mapping[str, int]:
        """Return the replicas, or nothing if neither KEDA nor its autoscaler acts at this moment."""
        self._metrics.observe(view)
        pool = view.pool(self._pool)
        polled = self._polled(view, pool=pool) if self._poll.is_due(view.now) else None
        is_sync = self._sync.is_due(view.now)
        if polled is not None:
            return {self._pool: polled}
        if not is_sync or pool.replicas == 0:
            return {}
        return {self._pool: self._synced(view, pool=pool)}

    def _polled(self, view: View, *, pool: PoolView) -> int | None:
        """Return the replicas if KEDA itself changes them, from zero or to zero."""
        usages = [trigger.usage(self._metrics, now=view.now) for trigger in self._triggers]
        if any(usage is not None and usage > ACTIVATION_THRESHOLD for usage in usages):
            self._active_at = view.now
            return max(1, pool.min_replicas) if pool.replicas == 0 else None
        if pool.min_replicas > 0 or pool.replicas == 0 or None in usages:
            return None
        is_cold = self._active_at is None or view.now - self._active_at > self._cooldown
        return 0 if is_cold else None

    def _synced(self, view: View, *, pool: PoolView) -> int:
        metrics = [
            ExternalMetric(
                usage=trigger.usage(self._metrics, now=view.now), target_per_replica=trigger.target_per_replica
            )
            for trigger in self._triggers
        ]
        return self._autoscaler.sync(
            view.now,
            replicas=pool.replicas,
            minimum=max(1, pool.min_replicas),
            maximum=max(1, pool.max_replicas),
            metrics=metrics,
        )
