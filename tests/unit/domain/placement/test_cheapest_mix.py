"""The cheapest mix, compared with a table and with an exhaustive search."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from embedding_operator.domain.placement.cheapest_mix import NOISE_SECONDS, PAYBACK_SECONDS, Offer, cheapest
from hypothesis import given
from hypothesis import strategies as st

A10 = Offer(
    pool="a10",
    min_replicas=0,
    max_replicas=50,
    tokens_per_second=1000.0,
    price_per_hour=1.0,
    held=0,
    startup_seconds=300.0,
)
T4 = replace(A10, pool="t4", tokens_per_second=400.0, price_per_hour=0.35)
DEAR_T4 = replace(T4, price_per_hour=0.45)
L4 = replace(A10, pool="l4", tokens_per_second=700.0, price_per_hour=0.8)


def cost(offers: Sequence[Offer], counts: Sequence[int]) -> int:
    """Return the total cost in whole numbers, so that equal costs compare equal."""
    return sum(
        round(offer.price_per_hour * 1_000_000)
        * (PAYBACK_SECONDS * count + (round(offer.startup_seconds) + NOISE_SECONDS) * max(0, count - offer.held))
        for offer, count in zip(offers, counts, strict=True)
    )


def capacity(offers: Sequence[Offer], counts: Sequence[int]) -> float:
    return sum(offer.tokens_per_second * count for offer, count in zip(offers, counts, strict=True))


def key(offers: Sequence[Offer], counts: Sequence[int], *, required: float) -> tuple[float, int, int, tuple[int, ...]]:
    return (
        max(0.0, required - capacity(offers, counts)),
        cost(offers, counts),
        sum(abs(count - offer.held) for offer, count in zip(offers, counts, strict=True)),
        tuple(reversed(counts)),
    )


@pytest.mark.parametrize(
    ("required", "offers", "expected"),
    [
        (0.0, (A10, T4), {"a10": 0, "t4": 0}),
        (1.0, (A10, T4), {"a10": 0, "t4": 1}),
        (400.0, (A10, T4), {"a10": 0, "t4": 1}),
        (1000.0, (A10, T4), {"a10": 1, "t4": 0}),
        (1001.0, (A10, T4), {"a10": 0, "t4": 3}),
        (1001.0, (replace(A10, held=1), DEAR_T4), {"a10": 1, "t4": 1}),
        (1400.0, (A10, T4), {"a10": 1, "t4": 1}),
        (1e9, (A10, T4), {"a10": 50, "t4": 50}),
        (1000.0, (replace(A10, min_replicas=1), T4), {"a10": 1, "t4": 0}),
        (1000.0, (A10, replace(T4, min_replicas=2)), {"a10": 0, "t4": 3}),
        (4000.0, (replace(A10, max_replicas=2), replace(T4, max_replicas=4)), {"a10": 2, "t4": 4}),
        (3500.0, (replace(A10, max_replicas=2), replace(T4, max_replicas=4)), {"a10": 2, "t4": 4}),
    ],
    ids=[
        "nothing",
        "anything",
        "one of the cheapest per token",
        "one large for what takes three small",
        "three small for what takes one large and a small",
        "a large one that runs stays",
        "a mix",
        "more than there is",
        "the minimum of the dear one",
        "the minimum of the cheap one",
        "more than there is in small bounds",
        "just enough in small bounds",
    ],
)
def test_the_cheapest_mix(required: float, offers: tuple[Offer, ...], expected: dict[str, int]) -> None:
    assert cheapest(required, offers=offers) == expected


def test_of_equal_mixes_the_preferred_pool_is_taken() -> None:
    same = replace(A10, pool="other")
    assert cheapest(2000.0, offers=(A10, same)) == {"a10": 2, "other": 0}
    assert cheapest(2000.0, offers=(same, A10)) == {"other": 2, "a10": 0}


def test_a_mix_is_changed_only_if_that_earns_back_what_the_starts_cost() -> None:
    """T4s hold 2000 tokens/s at 1.75, not 2.00, per hour: too little for five starts of 300 s, enough for 120 s."""
    held = replace(A10, held=2)
    assert cheapest(2000.0, offers=(held, T4)) == {"a10": 2, "t4": 0}
    assert cheapest(2000.0, offers=(held, replace(T4, startup_seconds=120.0))) == {"a10": 0, "t4": 5}


def test_one_unit_more_adds_and_one_unit_less_takes_away_without_changing_the_mix() -> None:
    """Without the startup term, alternating between 1000 and 1001 tokens/s would change all replicas each time."""
    pools = (A10, DEAR_T4)
    mix = cheapest(1000.0, offers=pools)
    seen = []
    for required in (1001.0, 1000.0, 1001.0, 1000.0):
        before, mix = mix, cheapest(required, offers=tuple(replace(each, held=mix[each.pool]) for each in pools))
        seen.append({pool: mix[pool] - before[pool] for pool in mix})
    assert seen == [{"a10": 0, "t4": 1}, {"a10": 0, "t4": -1}] * 2


noise = st.lists(st.floats(0.97, 1.03), min_size=3, max_size=3)


@given(
    st.lists(st.tuples(st.integers(50, 1500), st.integers(10, 400)), min_size=2, max_size=3),
    st.lists(noise, min_size=2, max_size=8),
    st.integers(1, 10_000),
)
def test_noise_of_prices_moves_a_mix_at_most_once(
    pools: list[tuple[int, int]], prices: list[list[float]], required: int
) -> None:
    """A mix may leave another behind that is cheaper at the stated prices; noise alone never brings it back."""
    offers = [
        replace(A10, pool=f"pool-{place}", tokens_per_second=speed, price_per_hour=price / 100, startup_seconds=15.0)
        for place, (speed, price) in enumerate(pools)
    ]
    seen: list[dict[str, int]] = []
    for factors in prices:
        noisy = [
            replace(offer, price_per_hour=offer.price_per_hour * factor, held=seen[-1][offer.pool] if seen else 0)
            for offer, factor in zip(offers, factors, strict=False)
        ]
        mix = cheapest(required, offers=noisy)
        if not seen or mix != seen[-1]:
            assert mix not in seen
            seen.append(mix)


@st.composite
def offers_of(draw: st.DrawFn, *, most: int = 6) -> tuple[Offer, ...]:
    made = []
    for number in range(draw(st.integers(1, 3))):
        low = draw(st.integers(0, 2))
        made.append(
            Offer(
                pool=f"pool-{number}",
                min_replicas=low,
                max_replicas=draw(st.integers(max(1, low), most)),
                tokens_per_second=draw(st.integers(50, 1500)),
                price_per_hour=draw(st.integers(1, 400)) / 100,
                held=draw(st.integers(0, most)),
                startup_seconds=draw(st.integers(15, 1800)),
            )
        )
    return tuple(made)


requirements = st.integers(0, 20_000)


@given(offers_of(), requirements)
def test_no_mix_at_all_is_better(offers: tuple[Offer, ...], required: int) -> None:
    """Invariant 15, and more: no mix with enough capacity costs less, and none is better in any other way."""
    ranges = [range(offer.min_replicas, offer.max_replicas + 1) for offer in offers]
    best = min(itertools.product(*ranges), key=lambda counts: key(offers, counts, required=required))
    assert tuple(cheapest(required, offers=offers).values()) == best


@given(offers_of(most=50), requirements)
def test_what_holds_the_requirement_stays_unless_the_change_pays(offers: tuple[Offer, ...], required: int) -> None:
    held = [min(max(offer.held, offer.min_replicas), offer.max_replicas) for offer in offers]
    chosen = tuple(cheapest(required, offers=offers).values())
    assert all(offer.min_replicas <= count <= offer.max_replicas for offer, count in zip(offers, chosen, strict=True))
    if capacity(offers, held) >= required:
        assert capacity(offers, chosen) >= required
        assert cost(offers, chosen) <= cost(offers, held)


@given(offers_of(most=50), requirements)
def test_what_was_chosen_is_chosen_again_once_it_runs(offers: tuple[Offer, ...], required: int) -> None:
    chosen = cheapest(required, offers=offers)
    assert cheapest(required, offers=[replace(each, held=chosen[each.pool]) for each in offers]) == chosen


@given(st.permutations((A10, T4, L4)), requirements)
def test_the_cost_does_not_depend_on_the_order_of_preference(offers: list[Offer], required: int) -> None:
    in_order = (A10, T4, L4)
    chosen = tuple(cheapest(required, offers=offers).values())
    assert cost(offers, chosen) == cost(in_order, tuple(cheapest(required, offers=in_order).values()))


def test_many_large_pools_are_held_within_bounds_and_without_a_needless_replica() -> None:
    """Sixteen pools of 1,000 have too many mixes to try: the one found still holds the load, and is not expensive."""
    offers = [
        Offer(
            pool=f"pool-{number}",
            min_replicas=0,
            max_replicas=1000,
            tokens_per_second=100.0 + 37 * number,
            price_per_hour=1.0 + number % 5 / 10,
            held=number,
            startup_seconds=300.0,
        )
        for number in range(16)
    ]
    chosen = tuple(cheapest(123_456.0, offers=offers).values())
    dearest_step = max(each.price_per_hour for each in offers)
    best_rate = min(each.price_per_token for each in offers)
    hourly = math.fsum(offer.price_per_hour * count for offer, count in zip(offers, chosen, strict=True))
    assert capacity(offers, chosen) >= 123_456.0
    assert hourly <= 123_456.0 * best_rate + 2 * dearest_step
