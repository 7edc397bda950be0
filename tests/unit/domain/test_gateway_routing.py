"""How a service gets behind its gateway and out again: no step fails a request, and every step survives a restart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import ConditionStatus, Reason
from embedding_operator.domain.gateway_routing import (
    ENGINES_ONLY,
    GATEWAY_ONLY,
    LINGER,
    SETTLE,
    Door,
    Phase,
    Route,
    Situation,
    passage,
    routed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON

SECOND = timedelta(seconds=1)


def situation(**fields: object) -> Situation:
    plain = Situation(
        now=NOON, wanted=True, pods_wanted=2, pods_ready=2, engines_ready=1, door=ENGINES_ONLY.door, restricted=False
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def door(phase: Phase, *, age: timedelta | None = None) -> Door:
    return Door(phase=phase, since=None if age is None else NOON - age)


@dataclass
class Cluster:
    """A service whose route is written as it is decided; `at` is the seconds since the first step."""

    situation: Situation
    route: Route = ENGINES_ONLY
    again: float | None = None

    def step(self, *, after: float = 0.0, **changes: object) -> Route:
        """Let time pass, change the cluster, and take one step as an operator that has just started."""
        now = self.situation.now + timedelta(seconds=after)
        changed = replace(self.situation, now=now, **changes)  # type: ignore[arg-type]
        routing = routed(changed)
        self.route, self.again = routing.route, routing.requeue_after
        self.situation = replace(changed, door=routing.route.door, restricted=routing.route.restricted)
        return self.route


def test_a_new_service_is_never_open_without_its_gateway() -> None:
    assert routed(situation(door=None, pods_ready=0, engines_ready=0)).route == GATEWAY_ONLY
    assert routed(situation(door=GATEWAY_ONLY.door, pods_ready=0, restricted=True)).route == GATEWAY_ONLY


def test_a_new_service_without_a_gateway_is_the_plain_one() -> None:
    routing = routed(situation(door=None, wanted=False))
    assert (routing.route, routing.requeue_after) == (ENGINES_ONLY, None)
    assert routed(situation(wanted=False)).route == ENGINES_ONLY


def test_the_way_to_the_gateway_and_back() -> None:
    cluster = Cluster(situation(pods_ready=0))
    route = cluster.step()
    assert (route.leads_through_gateway, route.gateway, route.restricted) == (False, True, False)
    assert not cluster.step(pods_ready=1).leads_through_gateway
    route = cluster.step(pods_ready=2)
    assert (route.leads_through_gateway, route.restricted, cluster.again) == (True, False, 60)
    assert not cluster.step(after=59).restricted
    assert (cluster.again, cluster.step(after=1).restricted, cluster.again) == (1, True, None)

    route = cluster.step(wanted=False)
    assert (route.door.phase, route.leads_through_gateway, route.restricted) == (Phase.LEAVING, True, False)
    assert cluster.step(after=4).leads_through_gateway
    route = cluster.step(after=1)
    assert (route.leads_through_gateway, route.gateway, cluster.again) == (False, True, 60)
    route = cluster.step(after=60)
    assert (route.leads_through_gateway, route.gateway, cluster.again) == (False, False, None)


def test_nothing_leads_to_engines_that_are_not_there() -> None:
    cluster = Cluster(situation(door=GATEWAY_ONLY.door, restricted=True))
    cluster.step(wanted=False, engines_ready=0)
    assert cluster.step(after=3600).leads_through_gateway
    assert not cluster.step(engines_ready=1).leads_through_gateway


def test_nothing_leads_to_engines_while_the_policy_is_still_there() -> None:
    """As after an operator that ended between writing the Service and deleting the policy."""
    leaving = situation(wanted=False, door=door(Phase.LEAVING, age=LINGER), restricted=True)
    routing = routed(leaving)
    assert routing.route.door == Door(phase=Phase.LEAVING, since=NOON)
    assert not routing.route.restricted
    assert routing.requeue_after == SETTLE.total_seconds()


def test_a_change_of_mind_begins_its_phase_anew() -> None:
    cluster = Cluster(situation())
    cluster.step()
    cluster.step(after=100)
    cluster.step(wanted=False)
    route = cluster.step(after=2, wanted=True)
    assert route.door == Door(phase=Phase.GATEWAY, since=cluster.situation.now)
    assert not route.restricted


def test_a_gateway_that_never_got_ready_leaves_nothing_behind() -> None:
    cluster = Cluster(situation(pods_ready=0))
    cluster.step()
    assert cluster.step(wanted=False) == ENGINES_ONLY


@pytest.mark.parametrize("age", [None, SECOND, LINGER])
def test_a_gateway_that_is_down_is_not_gone_around(age: timedelta | None) -> None:
    routing = routed(situation(door=door(Phase.GATEWAY, age=age), pods_ready=0, engines_ready=4, restricted=True))
    assert routing.route.leads_through_gateway


def test_a_clock_that_was_set_back_delays_nothing_for_longer() -> None:
    cluster = Cluster(situation(door=Door(phase=Phase.GATEWAY, since=NOON + timedelta(days=365))))
    assert cluster.step().door.since == NOON
    assert cluster.step(after=60).restricted


def situations() -> st.SearchStrategy[Situation]:
    ages = st.sampled_from([None, -SECOND, timedelta(), SETTLE - SECOND, SETTLE, LINGER - SECOND, LINGER])
    doors = st.none() | st.builds(lambda phase, age: door(phase, age=age), st.sampled_from(Phase), ages)
    return st.builds(
        Situation,
        now=st.just(NOON + timedelta(microseconds=7)),
        wanted=st.booleans(),
        pods_wanted=st.integers(1, 3),
        pods_ready=st.integers(0, 4),
        engines_ready=st.integers(0, 2),
        door=doors,
        restricted=st.booleans(),
        obstacle=st.none() | st.just("agent: ImagePullBackOff"),
    )


@given(situations())
def test_nobody_is_ever_led_where_nobody_may_serve(found: Situation) -> None:
    route = routed(found).route
    if route.leads_through_gateway:
        assert route.gateway
    else:
        assert not route.restricted
        if found.door is not None and found.door.phase is not Phase.ENGINES:
            assert found.engines_ready
            assert not found.restricted
    if found.door is not None and found.door.phase is Phase.ENGINES and route.leads_through_gateway:
        assert found.pods_ready >= found.pods_wanted
        assert not route.restricted


@given(situations())
def test_a_step_at_the_same_instant_changes_nothing_more(found: Situation) -> None:
    first = routed(found).route
    assert routed(replace(found, door=first.door, restricted=first.restricted)).route == first


@given(situations())
def test_every_wait_ends(found: Situation) -> None:
    for _ in _until_at_rest(found):
        pass


def _until_at_rest(found: Situation) -> Iterator[Route]:
    """Yield the routes that the clock alone leads to; fail where it leads nowhere."""
    for _ in range(5):
        routing = routed(found)
        yield routing.route
        if routing.requeue_after is None:
            return
        now = found.now + timedelta(seconds=routing.requeue_after)
        found = replace(found, now=now, door=routing.route.door, restricted=routing.route.restricted)
    pytest.fail(f"the clock alone does not lead to rest: {found}")


@pytest.mark.parametrize(
    ("found", "status", "reason", "words"),
    [
        (situation(pods_ready=1), ConditionStatus.FALSE, Reason.GATEWAY_STARTING, "1 of 2 gateway pods are Ready"),
        (
            situation(door=GATEWAY_ONLY.door, pods_ready=0, keys_source="clients"),
            ConditionStatus.FALSE,
            Reason.GATEWAY_UNAVAILABLE,
            "new ones wait for the Secret clients if there is none",
        ),
        (situation(wanted=False), ConditionStatus.FALSE, Reason.GATEWAY_DISABLED, "spec.gateway.enabled is false"),
        (situation(door=GATEWAY_ONLY.door), ConditionStatus.TRUE, Reason.ROUTED, "through the gateway"),
        (
            situation(door=GATEWAY_ONLY.door, pods_ready=1),
            ConditionStatus.TRUE,
            Reason.GATEWAY_DEGRADED,
            "1 of 2 gateway pods are Ready",
        ),
        (
            situation(door=GATEWAY_ONLY.door, pods_ready=0, obstacle="prepare: ErrImagePull"),
            ConditionStatus.FALSE,
            Reason.GATEWAY_UNAVAILABLE,
            "no request is answered: 0 of 2 gateway pods are Ready (prepare: ErrImagePull)",
        ),
        (
            situation(door=GATEWAY_ONLY.door, wanted=False),
            ConditionStatus.TRUE,
            Reason.GATEWAY_LEAVING,
            "until a Ready engine can take over",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_users_are_told(found: Situation, status: ConditionStatus, reason: Reason, words: str) -> None:
    told = passage(found, routed(found).route)
    assert (told.status, told.reason) == (status, reason)
    assert words in told.message
