"""What the operator's telemetry would say of a simulated service, by the operator's own arithmetic.

All replicas are one engine here, which says the sum: every figure that the operator takes from engines is a sum over
them. All gateway pods are one pod. Both are asked whenever the policy looks. Of the samples of a minute only some are
looked at, the newest two and the oldest among them: a rate is made of the first and the last, and time is short.
"""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from embedding_operator.domain.gateway_metrics import GatewaySample, joined, listen, without_engines
from embedding_operator.domain.metrics import WINDOW_SECONDS, EngineSample, measure, recent_tokens_per_request
from embedding_operator.domain.observation import GatewayLoad, Load, Work
from embedding_operator.domain.work import work_done
from embedding_operator.simulation.policy import PodView, PoolView, View

ENGINES = "engines"
GATEWAY = "gateway"


PICKED = (12, 4, 1, 0)
"""Which samples are looked at, counted from the newest; a minute has 13."""

Sample = TypeVar("Sample")


class Telemetry:
    """Keeps the samples of the last minute."""

    def __init__(self, *, gateway: bool, holds: bool) -> None:
        self._engines: deque[EngineSample] = deque()
        self._gateways: deque[GatewaySample] = deque()
        self._gateway, self._holds = gateway, holds
        self._pods: dict[int, PodView] = {}
        self._pods_before: tuple[dict[int, PodView], dict[int, PodView]] = ({}, {})
        self._asked_at = self._seconds = 0.0

    def record(self, view: View, *, now: datetime) -> None:
        """Ask the engines and the gateway."""
        at_engines = view.in_flight - view.held_requests
        self._engines.append(
            EngineSample(
                pod_uid=ENGINES,
                taken_at=now,
                in_flight=at_engines,
                running=view.in_flight - view.waiting_requests,
                waiting_requests=view.waiting_requests - view.held_requests,
                waiting_tokens=view.waiting_tokens - view.held_tokens,
                tokens_done=view.answered_tokens,
                requests_done=view.answered_requests,
            )
        )
        self._gateways.append(
            GatewaySample(
                pod_uid=GATEWAY,
                taken_at=now,
                outstanding=view.in_flight,
                requests=view.arrived_requests,
                engines={ENGINES: at_engines},
            )
        )
        self._pods_before = (self._pods, self._pods_before[0])
        self._seconds, self._asked_at = view.now - self._asked_at, view.now
        self._pods = {pod.uid: pod for pool in view.pools for pod in pool.pods if pod.ready_at is not None}
        horizon = now - timedelta(seconds=WINDOW_SECONDS)
        for samples in (self._engines, self._gateways):
            while samples[0].taken_at < horizon:
                samples.popleft()

    def work(self, view: PoolView) -> tuple[Work, ...]:
        """Return what the replicas of one pool did since they were asked before."""
        return tuple(self._done(pod) for pod in view.pods if pod.uid in self._pods_before[0])

    def _done(self, last: PodView) -> Work:
        before, first = (pods.get(last.uid) for pods in self._pods_before)
        looks = [look for look in (last, before, first) if look is not None]
        return work_done(
            last.done_tokens - (0.0 if before is None else before.done_tokens),
            seconds=self._seconds,
            in_flight=[look.in_flight for look in looks],
            waiting_tokens=[look.queue_tokens for look in looks],
        )

    def gateway(self, *, now: datetime) -> GatewayLoad | None:
        """Return what the gateway says; None where there is none."""
        if not self._gateway:
            return None
        heard = listen({GATEWAY: _picked(self._gateways)}, present=[GATEWAY], ready=[GATEWAY], now=now)
        return replace(heard, holds=self._holds)

    def load(self, gateway: GatewayLoad | None, *, ready: int, now: datetime) -> Load | None:
        """Return the load of a service of which `ready` replicas serve."""
        series = {ENGINES: _picked(self._engines)}
        engines = measure(series, ready=[ENGINES] if ready else [], now=now)
        if engines is not None:
            engines = replace(engines, reporting=ready * engines.reporting, expected=ready)
        if gateway is None:
            return engines
        if engines is None:
            length = recent_tokens_per_request(series, now=now)
            return without_engines(gateway, tokens_per_request=length, expected=ready)
        return joined(engines, gateway)


def _picked(samples: deque[Sample]) -> tuple[Sample, ...]:
    known = len(samples)
    picked = tuple(samples[-1 - back] for back in PICKED if back < known)
    return picked if known > PICKED[0] or known - 1 in PICKED else (samples[0], *picked)
