"""How a service moves behind its gateway and back: no step fails a request, and every step survives a restart."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from embedding_operator.api.v1alpha1.conditions import ConditionStatus, Reason
from embedding_operator.domain.gateway_routing import (
    ENGINES_ONLY,
    ENGINES_SETTLE,
    GATEWAY_ONLY,
    LINGER,
    Route,
    RoutePhase,
    RouteState,
    RoutingInput,
    gateway_readiness,
    routed,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.world.builders import NOON

SECOND = timedelta(seconds=1)


def routing_input(**fields: object) -> RoutingInput:
    plain = RoutingInput(
        now=NOON, wanted=True, pods_wanted=2, pods_ready=2, engines_ready=1, state=ENGINES_ONLY.state, restricted=False
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def state(phase: RoutePhase, *, age: timedelta | None = None) -> RouteState:
    return RouteState(phase=phase, since=None if age is None else NOON - age)


@dataclass
class Cluster:
    """A service whose route is written as decided; `at` is in seconds since the first step."""

    routing_input: RoutingInput
    route: Route = ENGINES_ONLY
    again: float | None = None

    def step(self, *, after: float = 0.0, **changes: object) -> Route:
        """Let time pass, change the cluster, and take one step like an operator that has just started."""
        now = self.routing_input.now + timedelta(seconds=after)
        changed = replace(self.routing_input, now=now, **changes)  # type: ignore[arg-type]
        routing = routed(changed)
        self.route, self.again = routing.route, routing.requeue_after
        self.routing_input = replace(changed, state=routing.route.state, restricted=routing.route.restricted)
        return self.route


def test_a_new_service_is_never_open_without_its_gateway() -> None:
    assert routed(routing_input(state=None, pods_ready=0, engines_ready=0)).route == GATEWAY_ONLY
    assert routed(routing_input(state=GATEWAY_ONLY.state, pods_ready=0, restricted=True)).route == GATEWAY_ONLY


def test_a_new_service_without_a_gateway_is_the_plain_one() -> None:
    routing = routed(routing_input(state=None, wanted=False))
    assert (routing.route, routing.requeue_after) == (ENGINES_ONLY, None)
    assert routed(routing_input(wanted=False)).route == ENGINES_ONLY


def test_the_way_to_the_gateway_and_back() -> None:
    cluster = Cluster(routing_input(pods_ready=0))
    route = cluster.step()
    assert (route.selects_gateway, route.gateway, route.restricted) == (False, True, False)
    assert not cluster.step(pods_ready=1).selects_gateway
    route = cluster.step(pods_ready=2)
    assert (route.selects_gateway, route.restricted, cluster.again) == (True, False, 60)
    assert not cluster.step(after=59).restricted
    assert (cluster.again, cluster.step(after=1).restricted, cluster.again) == (1, True, None)

    route = cluster.step(wanted=False)
    assert (route.state.phase, route.selects_gateway, route.restricted) == (RoutePhase.LEAVING, True, False)
    assert cluster.step(after=4).selects_gateway
    route = cluster.step(after=1)
    assert (route.selects_gateway, route.gateway, cluster.again) == (False, True, 60)
    route = cluster.step(after=60)
    assert (route.selects_gateway, route.gateway, cluster.again) == (False, False, None)


def test_nothing_leads_to_engines_that_are_not_there() -> None:
    cluster = Cluster(routing_input(state=GATEWAY_ONLY.state, restricted=True))
    cluster.step(wanted=False, engines_ready=0)
    assert cluster.step(after=3600).selects_gateway
    assert not cluster.step(engines_ready=1).selects_gateway


def test_nothing_leads_to_engines_while_the_policy_is_still_there() -> None:
    """As after an operator that exited between writing the Service and deleting the policy."""
    leaving = routing_input(wanted=False, state=state(RoutePhase.LEAVING, age=LINGER), restricted=True)
    routing = routed(leaving)
    assert routing.route.state == RouteState(phase=RoutePhase.LEAVING, since=NOON)
    assert not routing.route.restricted
    assert routing.requeue_after == ENGINES_SETTLE.total_seconds()


def test_a_change_of_mind_begins_its_phase_anew() -> None:
    cluster = Cluster(routing_input())
    cluster.step()
    cluster.step(after=100)
    cluster.step(wanted=False)
    route = cluster.step(after=2, wanted=True)
    assert route.state == RouteState(phase=RoutePhase.GATEWAY, since=cluster.routing_input.now)
    assert not route.restricted


def test_a_gateway_that_never_got_ready_leaves_nothing_behind() -> None:
    cluster = Cluster(routing_input(pods_ready=0))
    cluster.step()
    assert cluster.step(wanted=False) == ENGINES_ONLY


@pytest.mark.parametrize("age", [None, SECOND, LINGER])
def test_a_gateway_that_is_down_is_not_gone_around(age: timedelta | None) -> None:
    routing = routed(
        routing_input(state=state(RoutePhase.GATEWAY, age=age), pods_ready=0, engines_ready=4, restricted=True)
    )
    assert routing.route.selects_gateway


def test_a_clock_that_was_set_back_delays_nothing_for_longer() -> None:
    cluster = Cluster(routing_input(state=RouteState(phase=RoutePhase.GATEWAY, since=NOON + timedelta(days=365))))
    assert cluster.step().state.since == NOON
    assert cluster.step(after=60).restricted


def situations() -> st.SearchStrategy[RoutingInput]:
    ages = st.sampled_from(
        [None, -SECOND, timedelta(), ENGINES_SETTLE - SECOND, ENGINES_SETTLE, LINGER - SECOND, LINGER]
    )
    doors = st.none() | st.builds(lambda phase, age: state(phase, age=age), st.sampled_from(RoutePhase), ages)
    return st.builds(
        RoutingInput,
        now=st.just(NOON + timedelta(microseconds=7)),
        wanted=st.booleans(),
        pods_wanted=st.integers(1, 3),
        pods_ready=st.integers(0, 4),
        engines_ready=st.integers(0, 2),
        state=doors,
        restricted=st.booleans(),
        pod_problem=st.none() | st.just("agent: ImagePullBackOff"),
    )


@given(situations())
def test_requests_are_never_routed_where_nothing_may_serve(found: RoutingInput) -> None:
    route = routed(found).route
    if route.selects_gateway:
        assert route.gateway
    else:
        assert not route.restricted
        if found.state is not None and found.state.phase is not RoutePhase.ENGINES:
            assert found.engines_ready
            assert not found.restricted
    if found.state is not None and found.state.phase is RoutePhase.ENGINES and route.selects_gateway:
        assert found.pods_ready >= found.pods_wanted
        assert not route.restricted


@given(situations())
def test_a_step_at_the_same_instant_changes_nothing_more(found: RoutingInput) -> None:
    first = routed(found).route
    assert routed(replace(found, state=first.state, restricted=first.restricted)).route == first


@given(situations())
def test_every_wait_ends(found: RoutingInput) -> None:
    for _ in _until_at_rest(found):
        pass


def _until_at_rest(found: RoutingInput) -> Iterator[Route]:
    """Yield the routes that the passing of time alone leads to; fail if it does not reach a final one."""
    for _ in range(5):
        routing = routed(found)
        yield routing.route
        if routing.requeue_after is None:
            return
        now = found.now + timedelta(seconds=routing.requeue_after)
        found = replace(found, now=now, state=routing.route.state, restricted=routing.route.restricted)
    pytest.fail(f"the clock alone does not lead to rest: {found}")


@pytest.mark.parametrize(
    ("found", "status", "reason", "words"),
    [
        (routing_input(pods_ready=1), ConditionStatus.FALSE, Reason.GATEWAY_STARTING, "1 of 2 gateway pods are Ready"),
        (
            routing_input(state=GATEWAY_ONLY.state, pods_ready=0, keys_source="clients"),
            ConditionStatus.FALSE,
            Reason.GATEWAY_UNAVAILABLE,
            "new pods wait for the Secret clients if it does not exist",
        ),
        (routing_input(wanted=False), ConditionStatus.FALSE, Reason.GATEWAY_DISABLED, "spec.gateway.enabled is false"),
        (routing_input(state=GATEWAY_ONLY.state), ConditionStatus.TRUE, Reason.ROUTED, "through the gateway"),
        (
            routing_input(state=GATEWAY_ONLY.state, pods_ready=1),
            ConditionStatus.TRUE,
            Reason.GATEWAY_DEGRADED,
            "1 of 2 gateway pods are Ready",
        ),
        (
            routing_input(state=GATEWAY_ONLY.state, pods_ready=0, pod_problem="prepare: ErrImagePull"),
            ConditionStatus.FALSE,
            Reason.GATEWAY_UNAVAILABLE,
            "no request is answered: 0 of 2 gateway pods are Ready (prepare: ErrImagePull)",
        ),
        (
            routing_input(pods_ready=0, keys_source="clients"),
            ConditionStatus.FALSE,
            Reason.KEYS_NOT_ENFORCED,
            "reach the engines directly, without an API key: 0 of 2 gateway pods are Ready",
        ),
        (
            routing_input(state=state(RoutePhase.GATEWAY, age=SECOND), keys_source="clients"),
            ConditionStatus.FALSE,
            Reason.KEYS_NOT_ENFORCED,
            "reach the engines directly",
        ),
        (
            routing_input(state=GATEWAY_ONLY.state, restricted=True, keys_source="clients", pods_without_keys=2),
            ConditionStatus.FALSE,
            Reason.KEYS_NOT_ENFORCED,
            "2 Ready gateway pods do not require the keys of the Secret clients",
        ),
        (
            routing_input(state=GATEWAY_ONLY.state, restricted=True, keys_source="clients"),
            ConditionStatus.TRUE,
            Reason.ROUTED,
            "through the gateway",
        ),
        (
            routing_input(state=GATEWAY_ONLY.state, wanted=False),
            ConditionStatus.TRUE,
            Reason.GATEWAY_LEAVING,
            "until a Ready engine can take over",
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "",
)
def test_users_are_told(found: RoutingInput, status: ConditionStatus, reason: Reason, words: str) -> None:
    told = gateway_readiness(found, routed(found).route)
    assert (told.status, told.reason) == (status, reason)
    assert words in told.message
