"""Knative's pod autoscaler (KPA) on concurrency.

Constants are those of knative/serving, `pkg/autoscaler`: `config/config.go`, `scaling/multiscaler.go` and
`scaling/autoscaler.go`.
"""

import math
from collections.abc import Mapping

from embedding_operator.simulation.baselines.moving_average import MovingAverage
from embedding_operator.simulation.policy import PoolView, View

TICK_SECONDS = 2.0
"""`tickInterval`. Knative scrapes pods every second; here each tick takes one sample."""

STABLE_WINDOW_SECONDS = 60.0
"""`stable-window`, which is also how long panic lasts after the last tick above the threshold."""

PANIC_WINDOW_SHARE = 0.1
"""`panic-window-percentage`: 6 s of the 60."""

PANIC_THRESHOLD = 2.0
"""`panic-threshold-percentage`."""

CONCURRENCY_TARGET = 100.0
"""`container-concurrency-target-default`."""

TARGET_UTILIZATION = 0.7
"""`container-concurrency-target-percentage`."""

MAX_SCALE_UP_RATE, MAX_SCALE_DOWN_RATE = 1000.0, 2.0
"""`max-scale-up-rate` and `max-scale-down-rate`, of the ready pods, per tick."""

SCALE_TO_ZERO_GRACE_SECONDS = 30.0
"""`scale-to-zero-grace-period`."""


class Knative:
    """A policy: the autoscaler of one pool as one revision, with its two windows and panic mode."""

    name = "Knative KPA"
    period = TICK_SECONDS

    def __init__(
        self,
        *,
        pool: str,
        concurrency: float = CONCURRENCY_TARGET,
        stable_window_seconds: float = STABLE_WINDOW_SECONDS,
    ) -> None:
        self._pool = pool
        self._target = concurrency * TARGET_UTILIZATION
        self._stable_window = stable_window_seconds
        self._stable = MovingAverage(stable_window_seconds)
        self._panic = MovingAverage(stable_window_seconds * PANIC_WINDOW_SHARE)
        self._panicked_at: float | None = None
        self._panic_pods = 0
        self._idle_since: float | None = None
        self._is_started = False

    def look(self, view: View) -> Mapping[str, int]:
        """Return the replicas of this tick."""
        pool = view.pool(self._pool)
        self._stable.add(view.in_flight, now=view.now)
        self._panic.add(view.in_flight, now=view.now)
        if not self._is_started:
            self._start(view.now, pool=pool)
        desired = min(max(self._desired(view.now, pool=pool), pool.min_replicas), pool.max_replicas)
        return {self._pool: self._after_grace(view.now, desired=desired, replicas=pool.replicas)}

    def _start(self, now: float, *, pool: PoolView) -> None:
        """Begin in panic with the serving replicas, if more than one, so that a restart removes none."""
        self._is_started = True
        if pool.ready > 1:
            self._panicked_at, self._panic_pods = now, pool.ready

    def _desired(self, now: float, *, pool: PoolView) -> int:
        ready = max(1, pool.ready)
        wanted_in_panic = math.ceil(self._panic.mean / self._target)
        stable = _within_rates(math.ceil(self._stable.mean / self._target), ready=ready)
        self._follow_panic(now, is_over=wanted_in_panic / ready >= PANIC_THRESHOLD)
        if self._panicked_at is None:
            return stable
        self._panic_pods = max(self._panic_pods, stable, _within_rates(wanted_in_panic, ready=ready))
        return self._panic_pods

    def _follow_panic(self, now: float, *, is_over: bool) -> None:
        if is_over:
            self._panicked_at = now
        elif self._panicked_at is not None and now > self._panicked_at + self._stable_window:
            self._panicked_at, self._panic_pods = None, 0

    def _after_grace(self, now: float, *, desired: int, replicas: int) -> int:
        """Keep the replicas for the grace period before the last ones are removed."""
        if desired > 0 or replicas == 0:
            self._idle_since = None
            return desired
        if self._idle_since is None:
            self._idle_since = now
        return 0 if now - self._idle_since >= SCALE_TO_ZERO_GRACE_SECONDS else replicas


def _within_rates(pods: int, *, ready: int) -> int:
    lowest = math.floor(ready / MAX_SCALE_DOWN_RATE)
    return min(max(pods, lowest), math.ceil(ready * MAX_SCALE_UP_RATE))
