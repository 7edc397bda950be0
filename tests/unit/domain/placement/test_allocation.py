"""Decisions of services that request the cheapest mix of pools."""

from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import StepReason
from embedding_operator.domain.observation import ScalingPolicy

from tests.world.observations import A10, T4, bounds, load, observe, pool, replicas, settled_memory

CHEAPEST = ScalingPolicy(allocation=Allocation.CHEAPEST)
BOTH = bounds(("a10", 0, 8), ("t4", 0, 8))


def test_the_cheapest_mix_is_written_and_said() -> None:
    decision = decide(
        observe(
            pool(ready=1, price=1.0),
            pool("t4", speed=T4, price=0.35),
            allowed=BOTH,
            measured=load(rate=1100.0),
            memory=settled_memory(A10),
            policy=CHEAPEST,
        )
    )
    assert replicas(decision.targets) == {"a10": 1, "t4": 1}
    said = next(step for step in decision.steps if step.reason is StepReason.CHEAPEST_MIX)
    assert said.message == "1 a10, 1 t4 at 1.35 per hour; filling pools in order would cost 2.00"
    assert (said.before, said.after) == (2.0, 1.35)


def test_a_cheaper_mix_takes_over_make_before_break() -> None:
    """A10s stay until the T4s that are to replace them are Ready, whatever they cost."""
    dear = pool(ready=2, price=9.0)
    decision = decide(
        observe(
            dear,
            pool("t4", speed=T4, price=0.35),
            allowed=BOTH,
            measured=load(rate=1600.0),
            memory=settled_memory(2 * A10),
            policy=CHEAPEST,
        )
    )
    assert replicas(decision.targets) == {"a10": 2, "t4": 5}
    assert {target.pool: target.goal for target in decision.targets} == {"a10": 0, "t4": 5}
    assert StepReason.HANDOVER_HOLD in decision.reasons()


def test_without_all_prices_pools_are_filled_in_order_and_the_pool_is_named() -> None:
    decision = decide(
        observe(
            pool(ready=1, price=1.0),
            pool("t4", speed=T4),
            allowed=BOTH,
            measured=load(rate=1100.0),
            memory=settled_memory(A10),
            policy=CHEAPEST,
        )
    )
    assert replicas(decision.targets) == {"a10": 2, "t4": 0}
    said = next(step for step in decision.steps if step.reason is StepReason.PRICE_MISSING)
    assert said.message == "GPUPool t4 has no spec.pricePerHour: pools are filled in order until it has"


def test_the_one_replica_that_stays_is_on_the_cheapest_pool() -> None:
    def stays(policy: ScalingPolicy) -> dict[str, int]:
        pools = (pool(price=1.0), pool("t4", speed=T4, price=0.35))
        return replicas(decide(observe(*pools, allowed=BOTH, policy=policy)).targets)

    assert stays(CHEAPEST) == {"a10": 0, "t4": 1}
    assert stays(ScalingPolicy()) == {"a10": 1, "t4": 0}


def test_a_replica_of_any_stated_capacity_can_be_the_one_that_stays() -> None:
    fast = pool(ready=1, speed=1e8, price=1.0)
    decision = decide(
        observe(fast, allowed=bounds(("a10", 0, 8)), measured=load(), memory=settled_memory(0.0), policy=CHEAPEST)
    )
    assert replicas(decision.targets) == {"a10": 1}


def test_where_several_pools_shrink_the_dearest_per_token_gives_up_first() -> None:
    """Only half of the ready capacity may leave per minute: the T4s, costly here, leave although preferred."""
    decision = decide(
        observe(
            pool("t4", ready=4, speed=T4, price=2.0),
            pool(ready=4, price=1.0),
            allowed=bounds(("t4", 0, 8), ("a10", 0, 8)),
            measured=load(rate=100.0, reporting=8),
            memory=settled_memory(4 * A10 + 4 * T4),
            policy=CHEAPEST,
        )
    )
    assert replicas(decision.targets) == {"a10": 3, "t4": 0}
