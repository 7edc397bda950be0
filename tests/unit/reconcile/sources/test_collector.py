"""Polling the pods of services, and what is reconciled then."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.domain.decide import decide
from embedding_operator.domain.gateway_routing import RoutePhase
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.observation import Observation, TriggerReading
from embedding_operator.guard import Guard
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.kube.store import ObjectStore
from embedding_operator.reconcile.pipeline.catalog import Catalog
from embedding_operator.reconcile.pipeline.observe import Observer
from embedding_operator.reconcile.pipeline.validate import Preparations, Prepared
from embedding_operator.reconcile.sources.collector import Collector, taking_turns
from embedding_operator.rendering.names import ROUTE
from embedding_operator.telemetry.history import History

from tests.world.builders import NOON
from tests.world.objects import Body, ago, deployment, gateway_pod, gpu_pool, namespace, pod, service
from tests.world.reconciler import service_on


class Scenery:
    """A service on one pool, whose pods report what a test sets."""

    def __init__(self, *pods: Body, phase: RoutePhase = RoutePhase.GATEWAY, **spec: Any) -> None:
        self.now = NOON
        self.store = ObjectStore()
        self.asked: list[Mapping[str, str]] = []
        self.engine: Callable[[str, datetime], EngineSample | None] = lambda *_: None
        self.gateway: Callable[[str, datetime], GatewaySample | None] = lambda *_: None
        body = service_on("a10")
        bodies = (
            {**body, "spec": {**body["spec"], **spec}},
            service(annotations={ROUTE: phase}),
            deployment(replicas=1),
            *(namespace(), gpu_pool()),
        )
        for each in (*bodies, *pods):
            self.store.upsert(each["kind"], each)
        catalog, reader = Catalog(self.store), Reader(self.store)
        engines: History[str, EngineSample] = History()
        gateways: History[str, GatewaySample] = History()
        self.preparations = Preparations(catalog)
        self.reader = reader
        self.collector = Collector(
            reader=reader,
            poll_engines=self._engines,
            poll_gateways=self._gateways,
            engines=engines,
            gateways=gateways,
            now=self._now,
            guard=Guard(),
        )
        self.observer = Observer(
            store=self.store,
            catalog=catalog,
            reader=reader,
            engines=engines,
            gateways=gateways,
            now=self._now,
            read_triggers=lambda _, triggers: tuple(
                TriggerReading(name=each.name, threshold=each.threshold, value=7.0, taken_at=self.now)
                for each in triggers
            ),
            forecast=lambda uid, bounds: 900.0 if uid == "service-uid" and bounds.next_transition else None,
        )

    def _now(self) -> datetime:
        return self.now

    async def _engines(self, endpoints: Mapping[str, str]) -> tuple[EngineSample, ...]:
        self.asked.append(endpoints)
        said = [self.engine(uid, self.now) for uid in endpoints]
        return tuple(each for each in said if each is not None)

    async def _gateways(self, endpoints: Mapping[str, str]) -> tuple[GatewaySample, ...]:
        self.asked.append(endpoints)
        said = [self.gateway(uid, self.now) for uid in endpoints]
        return tuple(each for each in said if each is not None)

    def service(self) -> ServiceObject:
        found = self.reader.service("search", "qwen")
        assert found is not None
        return found

    async def look(self, *, after: float = 0.0, memory: ScalingMemory | None = None) -> Observation:
        self.now += timedelta(seconds=after)
        await self.collector.collect([self.service()])
        prepared = self.preparations.prepare(self.service())
        assert isinstance(prepared, Prepared)
        return self.observer.observed(self.service(), prepared, parities={}, memory=memory).observation


def idle_engine(uid: str, now: datetime) -> EngineSample:
    since = (now - NOON).total_seconds()
    return EngineSample(
        pod_uid=uid,
        taken_at=now,
        in_flight=0.0,
        tokens_done=1000.0 + since,
        requests_done=10.0 + since / 100,
        waiting_requests=0.0,
        waiting_tokens=0.0,
    )


def full_gateway(uid: str, now: datetime) -> GatewaySample:
    since = (now - NOON).total_seconds()
    return GatewaySample(pod_uid=uid, taken_at=now, outstanding=30.0, requests=10 * since, engines={"qwen-a10-1": 8.0})


PODS = (pod(ready=ago(60)), gateway_pod(ready=ago(60)), gateway_pod("qwen-gateway-2", ready=ago(60)))


async def test_engines_and_gateways_are_asked_at_once() -> None:
    scenery = Scenery(*PODS, gateway_pod("starting"))
    await scenery.look()
    assert scenery.asked == [
        {"qwen-a10-1-uid": "http://10.0.0.7:30000"},
        {
            "qwen-gateway-1-uid": "http://10.0.0.7:8404",
            "qwen-gateway-2-uid": "http://10.0.0.7:8404",
            "starting-uid": "http://10.0.0.7:8404",
        },
    ]


def test_services_take_turns() -> None:
    pods = [{"a1": "1", "a2": "2", "a3": "3"}, {}, {"b1": "4"}, {"c1": "5", "c2": "6"}]
    assert list(taking_turns(pods)) == ["a1", "b1", "c1", "a2", "c2", "a3"]


async def test_the_gateway_says_what_waits_and_the_engines_what_it_costs() -> None:
    scenery = Scenery(*PODS)
    scenery.engine, scenery.gateway = idle_engine, full_gateway
    await scenery.look()
    seen = await scenery.look(after=5)
    assert seen.gateway is not None
    assert seen.gateway.is_complete
    assert (seen.gateway.waiting, seen.gateway.requests_per_second) == (44.0, 20.0)
    assert seen.load is not None
    assert seen.load.queue_requests == 44.0
    assert seen.load.arrival_tokens_per_second == pytest.approx(20.0 * 100)
    assert seen.pools[0].pods[0].in_flight == 16.0


async def test_one_look_is_enough_to_see_a_burst() -> None:
    """Nothing is averaged: the first sample after a poke is the queue."""
    scenery = Scenery(*PODS)
    scenery.engine = idle_engine
    scenery.gateway = lambda uid, now: GatewaySample(pod_uid=uid, taken_at=now, outstanding=0.0, requests=0.0)
    for _ in range(12):
        await scenery.look(after=5)
    scenery.gateway = full_gateway
    seen = await scenery.look(after=0.1)
    assert seen.load is not None
    assert seen.load.queue_requests == 44.0


@pytest.mark.parametrize(
    ("phase", "spec"),
    [
        (RoutePhase.ENGINES, {}),
        (RoutePhase.GATEWAY, {"gateway": {"enabled": False}}),
        (RoutePhase.LEAVING, {"gateway": {"enabled": False}}),
    ],
    ids=["still starting", "switched off", "leaving"],
)
async def test_where_requests_do_not_come_through_the_gateway_engines_speak_alone(
    phase: RoutePhase, spec: dict[str, Any]
) -> None:
    scenery = Scenery(*PODS, phase=phase, **spec)
    scenery.engine, scenery.gateway = idle_engine, full_gateway
    await scenery.look()
    seen = await scenery.look(after=5)
    alone = Scenery(PODS[0], phase=RoutePhase.ENGINES)
    alone.engine = idle_engine
    await alone.look()
    assert seen.gateway is None
    assert seen.load == (await alone.look(after=5)).load


async def test_a_gateway_without_a_ready_pod_is_silent_and_not_absent() -> None:
    scenery = Scenery(PODS[0], gateway_pod())
    scenery.engine = idle_engine
    seen = await scenery.look()
    assert seen.gateway is not None
    assert (seen.gateway.expected, seen.gateway.is_heard) == (0, False)
    assert seen.load is not None
    assert seen.load.queue_requests == 0.0


async def test_what_was_said_is_forgotten_with_the_service() -> None:
    scenery = Scenery(*PODS)
    scenery.engine, scenery.gateway = idle_engine, full_gateway
    await scenery.look()
    scenery.observer.forget("service-uid")
    scenery.engine = scenery.gateway = lambda *_: None
    seen = await scenery.look(after=1)
    assert seen.load is None
    assert seen.gateway is not None
    assert seen.gateway.answering == 0


@pytest.mark.parametrize(("seconds", "holds"), [(0, False), (300, True)])
async def test_whether_requests_are_held_is_known(seconds: int, holds: bool) -> None:  # noqa: FBT001
    seen = await Scenery(*PODS, gateway={"holdSeconds": seconds}).look()
    assert seen.gateway is not None
    assert seen.gateway.holds is holds


async def test_what_replicas_did_is_told_once() -> None:
    scenery = Scenery(*PODS)
    scenery.engine = idle_engine
    await scenery.look()
    seen = await scenery.look(after=5)
    assert [each.tokens_per_second for each in seen.pools[0].work] == [1.0]
    assert (await scenery.look(after=1)).pools[0].work != ()
    remembered = decide(seen).memory
    assert (await scenery.look(after=1, memory=remembered)).pools[0].work == ()
    assert len((await scenery.look(after=3, memory=remembered)).pools[0].work) == 1


async def test_what_a_pool_costs_is_known() -> None:
    priced = gpu_pool()
    scenery = Scenery({**priced, "spec": {**priced["spec"], "pricePerHour": "0.75"}}, allocation="Cheapest")
    seen = await scenery.look()
    assert seen.policy.allocation is Allocation.CHEAPEST
    assert [each.price_per_hour for each in seen.pools] == [0.75]


async def test_triggers_and_the_forecast_are_looked_at() -> None:
    window = {"name": "night", "start": "22:00", "end": "08:00", "asleep": True}
    trigger = {"name": "orders", "threshold": 5, "prometheus": {"query": "orders"}}
    scenery = Scenery(scaling={"triggers": [trigger]}, schedule={"timeZone": "Asia/Tokyo", "windows": [window]})
    seen = await scenery.look()
    assert [(each.name, each.threshold, each.value) for each in seen.triggers] == [("orders", 5.0, 7.0)]
    assert seen.bounds.zone.key == "Asia/Tokyo"
    assert seen.forecast_tokens_per_second == 900.0
    assert (await Scenery().look()).forecast_tokens_per_second is None
