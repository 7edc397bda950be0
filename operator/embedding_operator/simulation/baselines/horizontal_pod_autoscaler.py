"""The Kubernetes HorizontalPodAutoscaler on external metrics from any source, used alone or by KEDA.

Constants and order of steps are those of `pkg/controller/podautoscaler/{horizontal,replica_calculator}.go` and
`pkg/apis/autoscaling/v2/defaults.go` of kubernetes/kubernetes.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

SYNC_SECONDS = 15.0
"""`--horizontal-pod-autoscaler-sync-period`."""

TOLERANCE = 0.1
"""`--horizontal-pod-autoscaler-tolerance`."""

UP_PODS, UP_PERCENT = 4, 100
"""Default scale-up policies, per 15 s; the larger one applies. Stabilisation for scale-up is 0 s.

Without any `behavior`, the controller uses max(2·n, 4) instead, a little slower: these are the documented policies.
"""

DOWN_WINDOW_SECONDS = 300.0
"""`--horizontal-pod-autoscaler-downscale-stabilization`. The default scale-down policy is 100 % per 15 s: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalMetric:
    """A metric with target type AverageValue: `usage` of the whole service, None if it is not available."""

    usage: float | None
    target_per_replica: float


@dataclass(frozen=True, slots=True)
class _Recommendation:
    at: float
    replicas: int


class HorizontalPodAutoscaler:
    """One autoscaler and the recommendations it remembers. Call `sync` every 15 s."""

    def __init__(self, *, down_window_seconds: float = DOWN_WINDOW_SECONDS) -> None:
        self._down_window = down_window_seconds
        self._recommendations: deque[_Recommendation] = deque()
        self._met = False

    def sync(self, now: float, *, replicas: int, minimum: int, maximum: int, metrics: Sequence[ExternalMetric]) -> int:
        """Return the desired replicas. `replicas` are those desired so far, started or not."""
        if not minimum <= replicas <= maximum:
            return min(max(replicas, minimum), maximum)
        proposals = [_proposal(metric, replicas=replicas) for metric in metrics]
        known = [proposal for proposal in proposals if proposal is not None]
        if not known or (len(known) < len(proposals) and max(known) < replicas):
            return replicas
        stabilised = self._stabilised(now, replicas=replicas, desired=max(known))
        return min(max(stabilised, minimum), maximum, max(_scale_up_limit(replicas), replicas))

    def _stabilised(self, now: float, *, replicas: int, desired: int) -> int:
        """Go no lower than the highest recommendation within the window, and remember this one.

        The replicas found at first count as a recommendation (`recordInitialRecommendation`).
        """
        if not self._met:
            self._met = True
            self._recommendations.append(_Recommendation(now, replicas))
        while self._recommendations and self._recommendations[0].at <= now - self._down_window:
            self._recommendations.popleft()
        highest = max((recommendation.replicas for recommendation in self._recommendations), default=desired)
        self._recommendations.append(_Recommendation(now, desired))
        return max(desired, min(replicas, highest))


def _proposal(metric: ExternalMetric, *, replicas: int) -> int | None:
    if metric.usage is None:
        return None
    ratio = metric.usage / (metric.target_per_replica * replicas)
    if abs(ratio - 1.0) <= TOLERANCE:
        return replicas
    return math.ceil(metric.usage / metric.target_per_replica)


def _scale_up_limit(replicas: int) -> int:
    """Return the limit for one sync: the period of a policy is one sync, so nothing was added within it before."""
    return max(replicas + UP_PODS, math.ceil(replicas * (1 + UP_PERCENT / 100)))
