"""A pair of one EmbeddingService and one Deployment scaled by KEDA, whose queues rise and fall together."""

import random
import time
from dataclasses import dataclass
from typing import Any

from embedding_operator.rendering.names import PORT

from benchmarks import keda
from benchmarks.live.replica_watch import ReplicaWatch
from testbed.harness.engine_fleet import EngineFleet
from testbed.harness.kubectl import kubectl
from testbed.harness.world import pool, service
from testbed.waiting import eventually

TARGET_REQUESTS = 8
MOST_REPLICAS = 6
LOADED = {"waiting_requests": 40, "waiting_tokens": 20_000, "running_requests": 8, "in_flight": 48}
"""Five replicas' worth of waiting requests."""
IDLE: dict[str, float] = {}

REST_SECONDS = 300.0
REACTION_SECONDS = 60.0
LONGEST_PHASE_SECONDS = 15.0
"""The longer of the two periods: changes at random moments within it cover all phases of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """Seconds from a rise of the queue to more replicas of each, and the new number of replicas."""

    operator_seconds: float
    operator_replicas: int
    keda_seconds: float
    keda_replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The pair with one number, in a watched namespace.

    KEDA reads a separate engine, at an address that belongs to no pod, so that its queue does not depend on which of
    our pods exists; its metrics are set in the same request as those of our pod.
    """

    number: int
    namespace: str
    watch: ReplicaWatch
    engines: EngineFleet

    @property
    def name(self) -> str:
        """Return the name of the EmbeddingService."""
        return f"lane-{self.number}"

    @property
    def peer(self) -> str:
        """Return the name of KEDA's Deployment and ScaledObject."""
        return f"keda-{self.number}"

    @property
    def peer_address(self) -> str:
        """Return the address of the engine whose queue KEDA reads."""
        return f"10.245.254.{self.number + 1}"

    def objects(self) -> list[dict[str, Any]]:
        """Return the objects to apply."""
        down = {"stabilizationSeconds": 0, "maxPercentPerMinute": 100}
        ours = service(
            self.name,
            pools=[pool("a10", most=MOST_REPLICAS)],
            scaling={"queue": {"targetRequests": TARGET_REQUESTS}, "scaleDown": down},
        )
        queue_url = f"http://{self.peer_address}:{PORT}/v1/loads"
        theirs = keda.scaled_deployment(self.peer, queue_url=queue_url, target=TARGET_REQUESTS, most=MOST_REPLICAS)
        return [ours, *theirs]

    def run(self, *, chance: random.Random) -> Reaction:
        """Raise the queue at a random moment of rest, wait for both, and let it fall again."""
        addresses = (self._rest(), self.peer_address)
        time.sleep(chance.uniform(0, LONGEST_PHASE_SECONDS))
        begun = time.monotonic()
        self.engines.report_at(dict.fromkeys(addresses, LOADED))
        ours, theirs = (
            self.watch.first_above(1, deployment=deployment, since=begun, seconds=REACTION_SECONDS)
            for deployment in (f"{self.name}-a10", self.peer)
        )
        self.engines.report_at(dict.fromkeys(addresses, IDLE))
        return Reaction(
            operator_seconds=ours.at - begun,
            operator_replicas=ours.replicas,
            keda_seconds=theirs.at - begun,
            keda_replicas=theirs.replicas,
        )

    def _rest(self) -> str:
        """Return the address of our only pod, once it serves and both have one desired replica."""
        eventually(f"{self.name} is at rest", self._asks_for_one, seconds=REST_SECONDS)
        addresses = eventually(f"{self.name} has one pod", self._only_address, seconds=REST_SECONDS)
        return addresses[0]

    def _asks_for_one(self) -> bool:
        return all(self.watch.replicas(deployment) == 1 for deployment in (f"{self.name}-a10", self.peer))

    def _only_address(self) -> list[str]:
        ready = 'jsonpath={range .items[*]}{.status.podIP} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}'
        selector = f"--selector=embedding-operator.io/service={self.name}"
        lines = kubectl("get", "pods", f"--namespace={self.namespace}", selector, f"--output={ready}").splitlines()
        return [lines[0].split()[0]] if len(lines) == 1 and lines[0].endswith(" True") else []
