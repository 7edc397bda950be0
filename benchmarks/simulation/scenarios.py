"""The simulated services: one on A10 alone, one on A10 and T4, with windows fitted to the train week."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import yaml
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.capacity.estimate import replica_capacity
from embedding_operator.simulation.baselines.training import TrainingWeek, replicas_for
from embedding_operator.simulation.cluster import SimPoolSpec
from embedding_operator.simulation.facts import Facts

SERVICE = Path(__file__).with_name("service.yaml")
MODEL = "Qwen3-Embedding-4B"
DAY_POOL, NIGHT_POOL = "a10", "t4"
SPARE = 2.0
"""The stock and maxReplicas, as a multiple of the replicas at the peak."""

NIGHT_PERCENTILE = 95.0
"""A T4 takes the hours whose minutes it carries up to this percentile: at full load it costs more than an A10."""

NEVER_IDLE_SECONDS = 86_400
"""One replica stays on some pool, as in all other policies here: no trace is without a request for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The GPUs of a service, the preferred one first, and the replicas of the first GPU that the peak needs."""

    gpus: tuple[str, ...]
    peak: float

    @property
    def name(self) -> str:
        """Return the name in results."""
        return "+".join(self.gpus)

    @property
    def most(self) -> int:
        """Return the most replicas that any pool may have."""
        return max(2, round(self.peak * SPARE))

    def spec(self, *, parameters: Mapping[str, float], week: TrainingWeek, night_speed: float) -> EmbeddingServiceSpec:
        """Return the service; `night_speed` is the capacity of a T4 in A10s.

        It has windows if `floor_percentile` is above 0. Other parameters are `target_utilization` in percent and
        `target_requests`.
        """
        spec = yaml.safe_load(SERVICE.read_text(encoding="utf-8"))["spec"]
        spec["pools"] = [self._bounds(gpu, at_least=self._floor(gpu)) for gpu in self.gpus]
        spec["allocation"] = "Cheapest" if len(self.gpus) > 1 else "Ordered"
        scaling = spec.setdefault("scaling", {})
        scaling["idleSeconds"] = NEVER_IDLE_SECONDS
        if "target_utilization" in parameters:
            scaling["targetUtilization"] = round(parameters["target_utilization"])
        if "target_requests" in parameters:
            scaling["queue"] = {"targetRequests": round(parameters["target_requests"])}
        percentile = parameters.get("floor_percentile", 0.0)
        if percentile > 0.0:
            windows = list(self._windows(week, percentile=percentile, night_speed=night_speed))
            spec["schedule"] = {"timeZone": "UTC", "windows": windows}
        return EmbeddingServiceSpec.model_validate(spec)

    def pools(self, facts: Facts, *, prices: str) -> tuple[SimPoolSpec, ...]:
        """Return the pools for the simulation; policies see the prices of the table `prices`."""
        table = next(each for each in facts.prices if each.name == prices)
        return tuple(
            SimPoolSpec(
                name=gpu,
                gpu=gpu,
                server=facts.server(model=MODEL, gpu=gpu),
                tokens_per_second=seed_capacity(facts, gpu=gpu),
                hourly_price=table.of(gpu) or 1.0,
                min_replicas=self._floor(gpu),
                max_replicas=self.most,
                stock=self.most,
            )
            for gpu in self.gpus
        )

    def _floor(self, gpu: str) -> int:
        return 1 if self.gpus == (gpu,) else 0

    def _bounds(self, gpu: str, *, at_least: int) -> dict[str, object]:
        return {"gpuPool": gpu, "minReplicas": min(at_least, self.most), "maxReplicas": self.most}

    def _windows(self, week: TrainingWeek, *, percentile: float, night_speed: float) -> Iterator[dict[str, object]]:
        """Yield windows of equal hours: with the floor of the day pool, or one T4 where that is enough."""
        floors = week.by_hour(percentile=percentile)
        highs = week.by_hour(percentile=NIGHT_PERCENTILE)
        hours = [
            (replicas_for(floor, utilization=1.0), self._is_night(high, night_speed=night_speed))
            for floor, high in zip(floors, highs, strict=True)
        ]
        for (floor, night), group in groupby(range(len(hours)), key=lambda hour: hours[hour]):
            members = list(group)
            yield {
                "name": f"from-{members[0]:02d}",
                "start": f"{members[0]:02d}:00",
                "end": f"{members[-1] + 1:02d}:00",
                "pools": self._night() if night else self._day(max(1, floor)),
            }

    def _is_night(self, load: float, *, night_speed: float) -> bool:
        return NIGHT_POOL in self.gpus and load <= night_speed

    def _night(self) -> list[dict[str, object]]:
        return [{"gpuPool": NIGHT_POOL, "minReplicas": 1, "maxReplicas": 1}, self._bounds(DAY_POOL, at_least=0)]

    def _day(self, floor: int) -> list[dict[str, object]]:
        return [self._bounds(gpu, at_least=floor if gpu == DAY_POOL else 0) for gpu in self.gpus]


def seed_capacity(facts: Facts, *, gpu: str) -> float:
    """Return the operator's estimate of the tokens per second of one replica, before any measurement."""
    spec = EmbeddingServiceSpec.model_validate(yaml.safe_load(SERVICE.read_text(encoding="utf-8"))["spec"])
    pool = GPUPoolSpec.model_validate({"nodeSelector": {"gpu": gpu}, **facts.gpus[gpu].model_dump()})
    estimate = replica_capacity(spec.model_copy(update={"pools": []}), pool=gpu, gpu=pool)
    return round(estimate.tokens_per_second, 3)
