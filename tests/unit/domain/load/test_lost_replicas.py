"""A replica is lost if neither the operator nor any gateway reaches it: one of them alone proves nothing."""

from collections.abc import Mapping

import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.decide import decide
from embedding_operator.domain.load.engine_load import EngineSample
from embedding_operator.domain.load.gateway_load import GatewaySample
from embedding_operator.domain.load.lost_replicas import lost_replicas
from embedding_operator.domain.observation import Pool, Replica
from embedding_operator.domain.status.memory_codec import remembered, written

from tests.world.observations import A10, T4, at, bounds, load, observe, pool, settled_memory


def ready(name: str = "a", *, since: float = -600.0) -> Replica:
    return Replica(uid=f"{name}-uid", name=name, created_at=at(-900), ready_since=at(since))


def answered(*ages: float) -> list[EngineSample]:
    return [EngineSample(pod_uid="a-uid", taken_at=at(-age)) for age in ages]


def heard(*down: str, age: float = 1.0, known: tuple[str, ...] = ("a", "b")) -> list[GatewaySample]:
    engines = dict.fromkeys(known, 0.0)
    return [
        GatewaySample(pod_uid="g", taken_at=at(-age), outstanding=0, requests=0, engines=engines, down=frozenset(down))
    ]


def found(replica: Replica, engines: list[EngineSample], gateways: Mapping[str, list[GatewaySample]]) -> bool:
    lost = lost_replicas([replica], engines={"a-uid": engines}, gateways=gateways, now=at(0))
    assert lost <= {replica.uid}
    return bool(lost)


@pytest.mark.parametrize("engines", [answered(), answered(20, 10)], ids=["never", "not for two polls"])
@pytest.mark.parametrize(
    "gateways",
    [
        {"g1": heard("a"), "g2": heard("a", "b")},
        {"g1": heard("a"), "g2": heard(age=30)},
        {"g1": heard("a"), "g2": heard(known=())},
        {"g1": heard("a"), "g2": []},
    ],
    ids=["both", "the other is silent", "the other does not know it yet", "the other was never heard"],
)
def test_no_answer_and_down_at_the_gateways_is_lost(
    engines: list[EngineSample], gateways: dict[str, list[GatewaySample]]
) -> None:
    assert found(ready(), engines, gateways)


@pytest.mark.parametrize(
    ("replica", "engines", "gateways"),
    [
        (ready(), answered(20, 9), {"g1": heard("a")}),
        (ready(), answered(20), {"g1": heard("a"), "g2": heard()}),
        (ready(), answered(20), {"g1": heard("a", age=30)}),
        (ready(), answered(20), {"g1": heard(known=())}),
        (ready(), answered(20), {}),
        (ready(since=-9.0), answered(), {"g1": heard("a")}),
        (Replica(uid="a-uid", name="a", created_at=at(-900)), answered(), {"g1": heard("a")}),
    ],
    ids=[
        "it answered",
        "one gateway pod reaches it",
        "no gateway pod is heard",
        "no gateway pod knows it",
        "there is no gateway",
        "it has just become Ready",
        "it is not Ready anyway",
    ],
)
def test_anything_less_is_not(
    replica: Replica, engines: list[EngineSample], gateways: dict[str, list[GatewaySample]]
) -> None:
    assert not found(replica, engines, gateways)


def test_another_pool_takes_over_at_once_and_one_replica_stays_as_the_probe() -> None:
    lost = [
        Replica(uid=f"a10-{number}", name=f"a10-{number}", created_at=at(-900), stuck=Reason.NOT_ANSWERING)
        for number in range(3)
    ]
    dead = Pool(name="a10", replicas=3, tokens_per_second=A10, pods=tuple(lost))
    decision = decide(
        observe(
            dead,
            pool("t4", speed=T4),
            allowed=bounds(("a10", 1, 4), ("t4", 0, 8)),
            measured=load(rate=2000.0, reporting=0, expected=0),
            memory=settled_memory(2500.0),
        )
    )
    targets = {target.pool: target.replicas for target in decision.targets}
    assert targets["t4"] * T4 >= 2500.0
    assert targets["a10"] == 1


def test_a_pool_whose_replicas_answer_again_may_grow_at_once() -> None:
    allowed = bounds(("a10", 1, 8))
    lost = tuple(
        Replica(uid=f"a10-{number}", name=f"a10-{number}", created_at=at(-900), stuck=Reason.NOT_ANSWERING)
        for number in range(2)
    )
    stalled = observe(
        Pool(name="a10", replicas=2, tokens_per_second=A10, pods=lost),
        allowed=allowed,
        memory=settled_memory(2000.0),
    )
    memory = decide(stalled).memory
    assert [backoff.lost for backoff in memory.backoffs] == [True]
    assert memory == remembered(written(memory))
    busy = observe(
        pool(ready=2),
        allowed=allowed,
        measured=load(rate=2400.0, queue=200, reporting=2, now=at(10)),
        memory=memory,
        now=at(10),
    )
    decision = decide(busy)
    assert decision.memory.backoffs == ()
    assert sum(target.replicas for target in decision.targets) > 3
