"""The commands for HAProxy, as examples and as properties of any endpoints and any servers."""

from dataclasses import replace

import pytest
from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase
from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway.plan import is_at_rest, plan
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gateway.haproxy_model import after

NAMES = ["a", "b", "c", "d", "e"]
ADDRESSES = ["10.0.0.1", "10.0.0.2", "fd00::1"]


def endpoint(
    name: str, phase: EndpointPhase = EndpointPhase.READY, *, address: str = "10.0.0.1", max_connections: int = 4
) -> Endpoint:
    return Endpoint(
        name=name, uid=f"uid-{name}", address=address, port=30000, phase=phase, max_connections=max_connections
    )


def server(name: str, *, address: str = "10.0.0.1", in_use: int = 0, max_connections: int = 4) -> Server:
    return Server(
        name=name,
        address=address,
        port=30000,
        in_maintenance=False,
        draining=False,
        checked=True,
        in_use=in_use,
        max_connections=max_connections,
    )


def drained(name: str, *, in_use: int = 0) -> Server:
    return replace(server(name, in_use=in_use), draining=True)


def told(endpoints: list[Endpoint], servers: list[Server]) -> list[str]:
    return [command.text for command in plan(endpoints, servers)]


def test_a_ready_pod_gets_a_checked_server_with_its_limit() -> None:
    assert told([endpoint("a", address="fd00::1")], []) == [
        (
            "add server engines/a [fd00::1]:30000 check inter 500ms fall 2 rise 1 observe layer4 error-limit 1 "
            "on-error mark-down maxconn 4 pool-purge-delay 250ms"
        ),
        "enable health engines/a",
        "set server engines/a state ready",
    ]


def test_a_pod_that_starts_gets_no_server() -> None:
    assert told([endpoint("a", EndpointPhase.UNREADY)], []) == []
    assert is_at_rest([endpoint("a", EndpointPhase.UNREADY)], [])


@pytest.mark.parametrize("endpoints", [[endpoint("a", EndpointPhase.TERMINATING), endpoint("b")], [endpoint("b")]])
def test_a_pod_that_ends_or_is_gone_is_drained_and_keeps_its_requests(endpoints: list[Endpoint]) -> None:
    servers = [server("a", in_use=2), server("b")]
    assert told(endpoints, servers) == ["set server engines/a state drain"]
    draining = [drained("a", in_use=2), server("b")]
    assert told(endpoints, draining) == []
    assert not is_at_rest(endpoints, draining)


def test_the_last_pod_that_ends_is_drained_too() -> None:
    assert told([endpoint("a", EndpointPhase.TERMINATING)], [server("a")]) == ["set server engines/a state drain"]


def test_a_drained_server_without_requests_is_removed_from_maintenance() -> None:
    assert told([], [drained("a")]) == ["set server engines/a state maint", "del server engines/a"]


def test_a_removal_that_was_interrupted_is_taken_up() -> None:
    assert told([], [replace(server("a"), in_maintenance=True)]) == ["del server engines/a"]


def test_a_removal_in_which_a_request_slipped_through_waits() -> None:
    assert told([], [replace(server("a", in_use=1), in_maintenance=True)]) == []


def test_an_addition_that_was_interrupted_is_taken_up() -> None:
    added = replace(server("a"), in_maintenance=True, checked=False)
    assert told([endpoint("a")], [added]) == ["enable health engines/a", "set server engines/a state ready"]


def test_a_pod_that_is_not_ready_is_drained_and_comes_back() -> None:
    endpoints = [endpoint("a", EndpointPhase.UNREADY), endpoint("b")]
    assert told(endpoints, [server("a"), server("b")]) == ["set server engines/a state drain"]
    assert told(endpoints, [drained("a"), server("b")]) == []
    assert is_at_rest(endpoints, [drained("a"), server("b")])
    assert told([endpoint("a"), endpoint("b")], [drained("a"), server("b")]) == ["set server engines/a state ready"]


def test_if_no_pod_is_ready_haproxys_own_check_decides() -> None:
    endpoints = [endpoint("a", EndpointPhase.UNREADY), endpoint("b", EndpointPhase.UNREADY)]
    assert told(endpoints, [server("a"), drained("b")]) == ["set server engines/b state ready"]


def test_a_new_pod_may_have_the_address_of_an_old_one() -> None:
    assert told([endpoint("b")], [server("a", in_use=1)])[-2:] == [
        "set server engines/b state ready",
        "set server engines/a state drain",
    ]


def test_a_pod_may_get_another_address() -> None:
    (command,) = plan([endpoint("a", address="10.0.0.2")], [server("a")])
    assert command.text == "set server engines/a addr 10.0.0.2 port 30000"


def test_the_limit_follows() -> None:
    assert told([endpoint("a", max_connections=9)], [server("a")]) == ["set maxconn server engines/a 9"]


@st.composite
def some_members(draw: st.DrawFn) -> list[Endpoint]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return [
        endpoint(
            name,
            draw(st.sampled_from(EndpointPhase)),
            address=draw(st.sampled_from(ADDRESSES)),
            max_connections=draw(st.integers(1, 3)),
        )
        for name in sorted(names)
    ]


@st.composite
def some_servers(draw: st.DrawFn) -> list[Server]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    in_maintenance = draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    return [
        Server(
            name=name,
            address=draw(st.sampled_from(ADDRESSES)),
            port=draw(st.sampled_from([30000, 30001])),
            in_maintenance=maintenance,
            draining=draw(st.booleans()) and not maintenance,
            checked=draw(st.booleans()),
            in_use=draw(st.integers(0, 2)),
            max_connections=draw(st.integers(0, 3)),
        )
        for name, maintenance in zip(names, in_maintenance, strict=True)
    ]


@given(some_members(), some_servers())
def test_one_pass_serves_every_ready_endpoint_as_it_is(endpoints: list[Endpoint], servers: list[Server]) -> None:
    reached = {each.name: each for each in after(servers, plan(endpoints, servers))}
    for each in endpoints:
        if each.phase is EndpointPhase.READY:
            there = reached[each.name]
            assert (there.address, there.port, there.max_connections) == (each.address, 30000, each.max_connections)
            assert there.admitted
            assert there.checked


@given(some_members(), some_servers())
def test_one_pass_keeps_new_requests_from_every_pod_that_ends(endpoints: list[Endpoint], servers: list[Server]) -> None:
    staying = {each.name for each in endpoints if each.phase is not EndpointPhase.TERMINATING}
    reached = after(servers, plan(endpoints, servers))
    assert [each.name for each in reached if each.admitted and each.name not in staying] == []


@given(some_members(), some_servers())
def test_no_server_with_requests_is_deleted_and_none_without_a_drain(
    endpoints: list[Endpoint], servers: list[Server]
) -> None:
    reached = {each.name for each in after(servers, plan(endpoints, servers))}
    deleted = [each for each in servers if each.name not in reached]
    assert all(each.in_use == 0 and not each.admitted for each in deleted)


@given(some_members(), some_servers())
def test_no_ready_endpoint_is_drained_on_the_way(endpoints: list[Endpoint], servers: list[Server]) -> None:
    ready = {each.name for each in endpoints if each.phase is EndpointPhase.READY}
    ends = {
        command.text.split()[2].removeprefix("engines/")
        for command in plan(endpoints, servers)
        if command.text.startswith("del ") or command.text.endswith((" drain", " maint"))
    }
    assert ends & ready == set()


@given(some_members(), some_servers())
def test_it_comes_to_rest_when_requests_end_and_stays_there(endpoints: list[Endpoint], servers: list[Server]) -> None:
    now = tuple(servers)
    for _ in range(2):
        now = after(now, plan(endpoints, now))
    now = tuple(replace(each, in_use=0) for each in now)
    now = after(now, plan(endpoints, now))
    assert plan(endpoints, now) == ()
    assert is_at_rest(endpoints, now)
