"""Poll the pods of services, engines and gateways at once, and keep their samples."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import TypeVar

from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.domain.observation import STARTUP_SECONDS
from embedding_operator.guard import Guard
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.telemetry.history import History

Sample = TypeVar("Sample")

Poll = Callable[[Mapping[str, str]], Awaitable[tuple[Sample, ...]]]
"""Takes base URLs by pod UID, returns the samples of the pods that answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Polls every pod of some services, and records their samples."""

    reader: Reader
    poll_engines: Poll[EngineSample]
    poll_gateways: Poll[GatewaySample]
    engines: History[str, EngineSample]
    gateways: History[str, GatewaySample]
    now: Callable[[], datetime]
    guard: Guard

    async def collect(self, services: Sequence[ServiceObject]) -> None:
        """Poll the pods of `services`. Takes as long as the slowest of them, at most the time limits of the pollers."""
        engines, gateways = self._endpoints(services, self._engines), self._endpoints(services, self._gateways)
        from_engines, from_gateways = await asyncio.gather(
            self.poll_engines(taking_turns(engines.values())), self.poll_gateways(taking_turns(gateways.values()))
        )
        engine_samples = {sample.pod_uid: sample for sample in from_engines}
        gateway_samples = {sample.pod_uid: sample for sample in from_gateways}
        now = self.now()
        for uid, pods in engines.items():
            self.engines.record(uid, [engine_samples[pod] for pod in pods if pod in engine_samples], now=now)
        for uid, pods in gateways.items():
            self.gateways.record(uid, [gateway_samples[pod] for pod in pods if pod in gateway_samples], now=now)

    def _endpoints(
        self, services: Sequence[ServiceObject], of: Callable[[ServiceObject], dict[str, str]]
    ) -> dict[str, dict[str, str]]:
        """Return the pods of each service, by its UID."""
        endpoints: dict[str, dict[str, str]] = {}
        for service in services:
            with self.guard.step("endpoints", namespace=service.namespace, name=service.name):
                endpoints[service.uid] = of(service)
        return endpoints

    def _engines(self, service: ServiceObject) -> dict[str, str]:
        pools = self.reader.pools(service, now=self.now(), startup_seconds=lambda _: STARTUP_SECONDS)
        return {
            pod.replica.uid: pod.endpoint
            for pool in pools
            for pod in pool.pods
            if pod.endpoint is not None and pod.replica.ready_since is not None
        }

    def _gateways(self, service: ServiceObject) -> dict[str, str]:
        pods = self.reader.gateway_pods(service, now=self.now())
        return {pod.uid: pod.endpoint for pod in pods if pod.endpoint is not None}


def taking_turns(services: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the pods of all services, one of each in turn: no service has to wait for all pods of another."""
    rows = zip_longest(*(pods.items() for pods in services))
    return dict(pod for row in rows for pod in row if pod is not None)
