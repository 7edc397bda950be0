"""A small deterministic world around `decide`: pods start after a startup time, work is served, the rest is queued.

Not a cost simulator: only enough dynamics to see whether the loop settles, flaps or violates an invariant.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Bounds, Load, Observation, Parity, Pool, Replica, ScalingPolicy

from tests.world.builders import NOON

TOKENS_PER_REQUEST = 100.0


@dataclass
class World:
    speeds: Mapping[str, float]
    bounds: Callable[[datetime], Bounds]
    startup_seconds: float = 60.0
    policy: ScalingPolicy = field(default_factory=ScalingPolicy)
    now: datetime = NOON
    queue_tokens: float = 0.0
    pods: dict[str, list[Replica]] = field(default_factory=dict)
    memory: ScalingMemory | None = None
    created: int = 0
    stuck: frozenset[str] = frozenset()

    def add_ready(self, pool: str, count: int) -> None:
        for _ in range(count):
            self._create(pool, ready_since=self.now - timedelta(hours=1))

    def step(self, *, rate: float, seconds: float = 5.0, visible: bool = True, restart: bool = False) -> Decision:
        """Serve `rate` tokens per second for `seconds`, then decide and act."""
        self.now += timedelta(seconds=seconds)
        self._start()
        self.queue_tokens = max(0.0, self.queue_tokens + (rate - self.ready_capacity()) * seconds)
        if restart:
            self.memory = None
        decision = decide(self.observation(rate=rate, visible=visible))
        self.memory = decision.memory
        self.act(decision)
        return decision

    def observation(self, *, rate: float, visible: bool = True) -> Observation:
        ready = sum(1 for pods in self.pods.values() for pod in pods if pod.ready_since is not None)
        measured = Load(
            sampled_at=self.now,
            queue_requests=self.queue_tokens / TOKENS_PER_REQUEST,
            queue_tokens=self.queue_tokens,
            arrival_tokens_per_second=rate,
            reporting=ready,
            expected=ready,
        )
        return Observation(
            now=self.now,
            policy=self.policy,
            bounds=self.bounds(self.now),
            pools=tuple(
                Pool(name=name, replicas=len(self.pods.get(name, [])), tokens_per_second=speed, pods=self._pods(name))
                for name, speed in self.speeds.items()
            ),
            load=measured if visible and ready else None,
            memory=self.memory,
        )

    def act(self, decision: Decision) -> None:
        for target in decision.targets:
            pods = self.pods.setdefault(target.pool, [])
            gone = set(target.victims)
            self.pods[target.pool] = [pod for pod in pods if pod.name not in gone]
            while len(self.pods[target.pool]) < target.replicas:
                self._create(target.pool)

    def ready_capacity(self) -> float:
        return sum(self.speeds[name] for name, pods in self.pods.items() for pod in pods if pod.ready_since is not None)

    def counts(self) -> dict[str, int]:
        return {name: len(self.pods.get(name, [])) for name in self.speeds}

    def _pods(self, name: str) -> tuple[Replica, ...]:
        return tuple(self.pods.get(name, ()))

    def _start(self) -> None:
        for pods in self.pods.values():
            for number, pod in enumerate(pods):
                started = (self.now - pod.created_at).total_seconds() >= self.startup_seconds
                if pod.ready_since is None and pod.stuck is None and started:
                    pods[number] = replace(pod, ready_since=self.now)

    def _create(self, pool: str, *, ready_since: datetime | None = None) -> None:
        self.created += 1
        name = f"{pool}-{self.created}"
        self.pods.setdefault(pool, []).append(
            Replica(
                uid=name,
                name=name,
                created_at=self.now,
                ready_since=ready_since,
                parity=Parity.PASSED,
                stuck=Reason.UNSCHEDULABLE if pool in self.stuck and ready_since is None else None,
            )
        )
