"""Whatever the schemas accept is validated, decided, rendered and reported, in bounded work and without raising."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from embedding_operator.api.structural import structural_schema
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.api.v1alpha1.scaling import Trigger
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.api.v1alpha1.schedule import Weekday
from embedding_operator.api.v1alpha1.status import MAX_STEPS, EmbeddingServiceStatus, ModelStatus
from embedding_operator.domain.decide import decide
from embedding_operator.domain.gateway_routing import GATEWAY_ONLY, gateway_readiness
from embedding_operator.domain.measured import LARGEST
from embedding_operator.domain.observation import Load, TriggerReading
from embedding_operator.domain.status.conditions import MAX_MESSAGE
from embedding_operator.domain.status.events import announcements
from embedding_operator.domain.status.fields import decision_status
from embedding_operator.domain.status.memory_codec import remembered
from embedding_operator.domain.status.report import StallCause, StatusInput, status_of
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.store import ObjectStore
from embedding_operator.reconcile.pipeline.apply import replicas_to_write
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.observe import Observer
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.validate import Preparations, Refused
from embedding_operator.rendering.renderer import EngineDefaults
from embedding_operator.telemetry.history import History
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden import cases
from tests.unit.api.from_schema import accepted_by
from tests.world.builders import NOON
from tests.world.objects import Body, ago, condition, deployment, embedding_service, gpu_pool, namespace, pod
from tests.world.observations import at, observe, pool

Spec = dict[str, Any]

MOST_CALLS = 2_000_000
"""Three reconciles of the largest scene, read and validated once, call 900,000 functions."""

READY: dict[str, Any] = {"ready": ago(60)}
UNSCHEDULABLE: dict[str, Any] = {
    "conditions": [condition("PodScheduled", "False", since=ago(600), reason="Unschedulable", message="no node")]
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A service, the pools and schedules of its cluster, its pods by pool, and what is measured."""

    service: Spec
    pools: dict[str, Spec]
    schedules: tuple[Spec, ...] = ()
    pods: int = 0
    measured: float = 1.0

    def store(self) -> ObjectStore:
        """Return the store that holds the scene."""
        store = ObjectStore()
        bodies: list[Body] = [namespace(), {**embedding_service(), "spec": self.service}]
        bodies += [{**gpu_pool(name), "spec": spec} for name, spec in self.pools.items()]
        for number, spec in enumerate(self.schedules):
            bodies.append({**gpu_pool(f"s{number}"), "kind": "ScalingSchedule", "spec": spec})
        for name in self.pools:
            bodies.append(deployment(name, replicas=self.pods))
            bodies += [
                pod(f"qwen-{name}-{number}", pool=name, uid=f"{name}{number}", **(READY, UNSCHEDULABLE)[number % 2])
                for number in range(self.pods)
            ]
        for body in bodies:
            store.upsert(body["kind"], body)
        return store

    def load(self, *, replicas: int) -> Load:
        """Return a load of `measured` in every number."""
        return Load(
            sampled_at=NOON,
            queue_requests=self.measured,
            queue_tokens=self.measured,
            arrival_tokens_per_second=self.measured,
            burst_tokens_per_second=self.measured,
            served_tokens_per_second=self.measured,
            tokens_per_request=1.0,
            reporting=replicas,
            expected=replicas,
        )


def reconcile(scene: Scene, *, rounds: int = 2) -> EmbeddingServiceStatus | None:
    """Drive the pure steps of the pipeline; return the last status, None if the spec is refused."""
    store = scene.store()
    reader, catalog = Reader(store), Catalog(store)
    service = reader.service("search", "qwen")
    assert service is not None
    prepared = Preparations(catalog).prepare(service)
    if isinstance(prepared, Refused):
        return None

    def readings(_: str, triggers: Sequence[Trigger]) -> tuple[TriggerReading, ...]:
        return tuple(
            TriggerReading(
                name=each.name,
                threshold=each.threshold,
                activation_threshold=each.activation_threshold,
                value=scene.measured,
                taken_at=NOON,
            )
            for each in triggers
        )

    moment = NOON
    observer = Observer(
        store=store,
        catalog=catalog,
        reader=reader,
        engines=History(),
        gateways=History(),
        now=lambda: moment,
        read_triggers=readings,
        forecast=lambda _, __: scene.measured,
    )
    renderings = Renderings(EngineDefaults(image="sglang"), gateway=cases.GATEWAY)
    status, memory = EmbeddingServiceStatus(), None
    for number in range(rounds):
        moment = at(5 * number)
        observed = observer.observed(service, prepared, parities={}, memory=memory)
        ready = sum(len(pool.ready) for pool in observed.observation.pools)
        observation = replace(observed.observation, load=scene.load(replicas=ready) if ready else None)
        decision = decide(observation)
        renderings.manifests(
            service,
            prepared,
            replicas=replicas_to_write(observation, decision),
            route=GATEWAY_ONLY,
            connection_limit=decision.connection_limit,
        )
        routing = Gateways(store=store, reader=reader).routing_input(
            service, prepared.spec.gateway, engines_ready=ready, now=moment
        )
        described = "; ".join(f"{each.field}: {each.message}" for each in prepared.problems)
        causes = [StallCause(reason=each.reason, message=described) for each in prepared.problems]
        given_status = StatusInput(
            generation=1,
            url="http://qwen.search.svc",
            model=ModelStatus(dtype=Dtype.FLOAT16, architecture=Architecture.DECODER),
            capacity_sources={name: each.source for name, each in observed.capacities.items()},
            gateway_readiness=gateway_readiness(routing, GATEWAY_ONLY),
            stall_cause=next(iter(causes), None),
        )
        before, status = status, status_of(observation, decision, given=given_status, previous=status)
        announcements(before, status)
        document = status.model_dump(mode="json", by_alias=True, exclude_none=True)
        json.dumps(document, allow_nan=False)
        read = EmbeddingServiceStatus.model_validate(document)
        assert read.decision is not None
        assert read.decision.memory is not None
        memory = remembered(read.decision.memory)
    return status


NUMBERS = st.sampled_from([0.0, 1.0, 1e6, LARGEST, sys.float_info.max, float("inf")])
any_service = accepted_by(structural_schema(EmbeddingServiceSpec))
any_pool = accepted_by(structural_schema(GPUPoolSpec))
any_schedule = accepted_by(structural_schema(ScalingScheduleSpec))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene whose GPUPools are those that the service lists, or some of them."""
    service = draw(any_service)
    names = [entry["gpuPool"] for entry in service["pools"]]
    return Scene(
        service=service,
        pools={name: draw(any_pool) for name in names if draw(st.booleans()) or name == names[0]},
        schedules=tuple(draw(st.lists(any_schedule, max_size=1))),
        pods=draw(st.integers(0, 3)),
        measured=draw(NUMBERS),
    )


@settings(max_examples=60)
@given(scene=scenes())
def test_whatever_the_schemas_accept_is_decided_rendered_and_reported(scene: Scene) -> None:
    reconcile(scene)


def _dates(number: int, *, first: int) -> list[str]:
    """Return 400 dates from the year `first` on."""
    return [f"{first + year}-{1 + number % 12:02}-{day:02}" for year in range(20) for day in range(1, 21)]


def largest(*, measured: float = LARGEST) -> Scene:
    """Return a scene with as much of everything as the schemas accept."""
    names = [f"p{number:02}" + "x" * 27 for number in range(16)]
    windows = [
        {
            "name": f"w{number}",
            "days": list(Weekday),
            "start": f"{number % 24:02}:{number:02}",
            "end": f"{number % 24:02}:{number + 1:02}",
            "dates": _dates(number, first=2000),
            "exceptDates": _dates(number, first=2100),
            "pools": [{"gpuPool": name, "minReplicas": number, "maxReplicas": 1000} for name in names],
        }
        for number in range(32)
    ]
    triggers = [
        {"name": f"t{number}", "prometheus": {"query": "q" * 2048}, "threshold": 0.000002} for number in range(8)
    ]
    args = [f"--{number:02}" + "a" * 4092 for number in range(64)]
    env = [{"name": f"HF_TOKEN{number}", "value": "v" * 8192} for number in range(64)]
    return Scene(
        service={
            "model": {
                "huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B", "endpoint": "https://" + "h" * 490},
                "dimensions": list(range(65521, 65537)),
                "contextLength": 131072,
            },
            "allocation": "Cheapest",
            "pools": [
                {"gpuPool": name, "maxReplicas": 1000, "tokensPerSecond": 1 + number, "args": args, "env": env}
                for number, name in enumerate(names)
            ],
            "scaling": {
                "triggers": triggers,
                "targetUtilization": 10,
                "scaleUp": {"maxFactor": 1000, "maxReplicasPerStep": 1000},
                "fallback": {"replicas": 1000},
            },
            "schedule": {"timeZone": "Europe/Berlin", "windows": windows},
            "engine": {"args": args, "env": env},
        },
        pools={
            name: {
                "nodeSelector": {"gpu": "x"},
                "computeCapability": "7.5",
                "memoryGiB": 1,
                "pricePerHour": f"{number + 1}.000001",
                "engine": {"args": args, "env": env},
            }
            for number, name in enumerate(names)
        },
        schedules=({"windows": windows, "enforcement": "Enforce"},) * 2,
        pods=2,
        measured=measured,
    )


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the functions that are called, under `calls`."""
    counter = Counter[str]()

    def count(_: object, event: str, __: object) -> None:
        counter["calls"] += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield counter
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("measured", [0.0, 1e4, LARGEST])
def test_the_largest_scene_is_bounded_work(measured: float) -> None:
    with counted() as work:
        status = reconcile(largest(measured=measured), rounds=3)
    assert status is not None
    assert status.decision is not None
    assert max(len(each.message) for each in status.conditions) <= MAX_MESSAGE
    assert work["calls"] < MOST_CALLS


def test_a_decision_with_more_steps_than_the_status_holds_is_reported() -> None:
    observation = observe(pool(ready=1))
    decision = decide(observation)
    told = decision_status(observation, decision._replace(steps=decision.steps * MAX_STEPS))
    assert len(told.steps) == MAX_STEPS
