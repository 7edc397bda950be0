"""KubeAI's autoscaler: the mean of active requests over ten minutes.

Constants are those of substratusai/kubeai: `internal/config/system.go`, `internal/modelautoscaler/autoscaler.go`,
`internal/modelclient/scale.go` and `api/k8s/v1/model_types.go`.
"""

import math
from collections import deque
from collections.abc import Mapping

from embedding_operator.simulation.baselines.metronome import Metronome
from embedding_operator.simulation.policy import View

INTERVAL_SECONDS = 10.0
"""`modelAutoscaling.interval`."""

WINDOW_SECONDS = 600.0
"""`modelAutoscaling.timeWindow`."""

TARGET_REQUESTS = 100.0
"""`targetRequests` of a Model."""

SCALE_DOWN_DELAY_SECONDS = 30.0
"""`scaleDownDelaySeconds` of a Model."""

PROXY_SECONDS = 2.0
"""The proxy scales a model from zero at its first request; here within this time."""


class KubeAI:
    """A policy: the autoscaler of one pool as one model."""

    name = "KubeAI"
    period = PROXY_SECONDS

    def __init__(
        self,
        *,
        pool: str,
        target_requests: float = TARGET_REQUESTS,
        scale_down_delay_seconds: float = SCALE_DOWN_DELAY_SECONDS,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self._pool = pool
        self._target = target_requests
        self._tick = Metronome(INTERVAL_SECONDS)
        samples = math.ceil(window_seconds / INTERVAL_SECONDS)
        self._active = deque([0] * samples, maxlen=samples)
        self._held_answers = math.ceil(scale_down_delay_seconds / INTERVAL_SECONDS)
        self._smaller_answers = 0

    def look(self, view: View) -> Mapping[str, int]:
        """Return the replicas at a tick, or one replica at the first request if there is none."""
        pool = view.pool(self._pool)
        if self._tick.is_due(view.now):
            self._active.append(view.in_flight)
            wanted = math.ceil(sum(self._active) / len(self._active) / self._target)
            wanted = min(max(wanted, pool.min_replicas), pool.max_replicas)
            return {self._pool: self._damped(wanted, replicas=pool.replicas)}
        return {self._pool: 1} if pool.replicas == 0 and view.in_flight > 0 else {}

    def _damped(self, wanted: int, *, replicas: int) -> int:
        """Ignore the first smaller results, then follow each one until one is not smaller."""
        if wanted >= replicas:
            self._smaller_answers = 0
            return wanted
        if self._smaller_answers < self._held_answers:
            self._smaller_answers += 1
            return replicas
        return wanted
