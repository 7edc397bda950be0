"""What the operator's telemetry would report for a simulated service.

All replicas are one engine here, which reports the sum: every value that the operator takes from engines is a sum over
them. All gateway pods are one pod. Both are polled at every decision. For speed, only some of the samples of a minute
are used, the newest two and the oldest among them: a rate needs only the first and the last.
"""

from collections import deque
from datetime import datetime, timedelta

from embedding_operator.domain.capacity.throughput import work_done
from embedding_operator.domain.load.engine_load import WINDOW_SECONDS
from embedding_operator.domain.load.gateway_load import joined, without_engines
from embedding_operator.domain.observation import GatewayLoad, Load, WorkSample
from embedding_operator.simulation.counters import Sample, load_of_engine, load_of_gateway, tokens_per_request
from embedding_operator.simulation.policy import PodView, PoolView, View

PICKED = (12, 4, 1, 0)
"""The samples that are used, counted from the newest; a minute has 13."""

WINDOW = timedelta(seconds=WINDOW_SECONDS)


class Telemetry:
    """Keeps the samples of the last minute."""

    def __init__(self, *, gateway: bool, holds: bool) -> None:
        self._samples: deque[Sample] = deque()
        self._picked: tuple[Sample, ...] = ()
        self._gateway, self._holds = gateway, holds
        self._pods: dict[int, PodView] = {}
        self._pods_before: tuple[dict[int, PodView], dict[int, PodView]] = ({}, {})
        self._asked_at = self._seconds = 0.0

    def record(self, view: View, *, now: datetime) -> None:
        """Poll the engine and the gateway."""
        self._samples.append(
            Sample(
                taken_at=now,
                outstanding=view.in_flight,
                held_requests=view.held_requests,
                queue_requests=view.waiting_requests - view.held_requests,
                queue_tokens=view.waiting_tokens - view.held_tokens,
                arrived_requests=view.arrived_requests,
                answered_requests=view.answered_requests,
                answered_tokens=view.answered_tokens,
            )
        )
        horizon = now - WINDOW
        while self._samples[0].taken_at < horizon:
            self._samples.popleft()
        self._picked = _picked(self._samples)
        self._pods_before = (self._pods, self._pods_before[0])
        self._seconds, self._asked_at = view.now - self._asked_at, view.now
        self._pods = {pod.uid: pod for pool in view.pools for pod in pool.pods if pod.ready_at is not None}

    def work(self, view: PoolView) -> tuple[WorkSample, ...]:
        """Return what the replicas of one pool did since the previous poll."""
        before, first = self._pods_before
        asked = [pod for pod in view.pods if pod.uid in before]
        return tuple([self._done(pod, before[pod.uid], first.get(pod.uid)) for pod in asked])

    def _done(self, last: PodView, before: PodView, first: PodView | None) -> WorkSample:
        looks = (last, before) if first is None else (last, before, first)
        return work_done(
            last.done_tokens - before.done_tokens,
            seconds=self._seconds,
            in_flight=[look.in_flight for look in looks],
            waiting_tokens=[look.queue_tokens for look in looks],
        )

    def gateway(self) -> GatewayLoad | None:
        """Return the load from the gateway; None if there is no gateway."""
        return load_of_gateway(self._picked, holds=self._holds) if self._gateway else None

    def load(self, gateway: GatewayLoad | None, *, ready: int) -> Load | None:
        """Return the load of a service with `ready` serving replicas."""
        engine = load_of_engine(self._picked, replicas=ready) if ready else None
        if gateway is None:
            return engine
        if engine is None:
            length = tokens_per_request(self._picked, ever=False)
            return without_engines(gateway, tokens_per_request=length, expected=ready)
        return joined(engine, gateway)


def _picked(samples: deque[Sample]) -> tuple[Sample, ...]:
    known = len(samples)
    picked = tuple([samples[-1 - back] for back in PICKED if back < known])
    return picked if known > PICKED[0] or known - 1 in PICKED else (samples[0], *picked)
