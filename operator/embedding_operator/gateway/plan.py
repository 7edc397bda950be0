"""The commands that make HAProxy's servers match the engine endpoints: a pure function of HAProxy's own state.

New capacity comes first, then drains, then removals. Nothing is remembered between two decisions, so that a restart of
either side needs no special handling.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase
from embedding_operator.gateway.haproxy_state import Server
from embedding_operator.gateway_contract import BACKEND

CHECK = "check inter 500ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down"
"""The first refused connection takes a server out: a dead engine, always the least busy, would get every request."""
IDLE = "pool-purge-delay 250ms"
"""Engines close connections that were idle for 5 s. HAProxy does so first, so none is closed during a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One line for HAProxy. `answer` is how its answer begins on success; empty if it then says nothing.

    `busy` is how the answer begins if it cannot execute the command yet, which is not an error.
    """

    text: str
    answer: str = ""
    busy: str = ""


def plan(endpoints: Collection[Endpoint], servers: Collection[Server]) -> tuple[Command, ...]:
    """Return the commands, in order, that make `servers` match `endpoints`, as far as requests in progress allow.

    Terminating and deleted pods get no new requests, and lose their server when its last request is answered. Pods
    that are not ready keep a drained server. If no pod is ready, those that are merely unready keep getting what
    HAProxy's own check lets through: a cluster that lost sight of all its pods does not take them away.
    """
    by_name = {server.name: server for server in servers}
    admitted = _admitted(endpoints)
    present = [(endpoint, by_name[endpoint.name]) for endpoint in endpoints if endpoint.name in by_name]
    leaving = _leaving(endpoints, servers)
    commands: list[Command] = []
    for endpoint in endpoints:
        if endpoint.phase is EndpointPhase.READY and endpoint.name not in by_name:
            commands += _added(endpoint)
    for endpoint, server in present:
        if endpoint.name in admitted:
            commands += _corrected(server, endpoint)
    for endpoint, server in present:
        if endpoint.phase is EndpointPhase.UNREADY and endpoint.name not in admitted:
            commands += _drained(server)
    for server in leaving:
        commands += _removed(server)
    return tuple(commands)


def is_at_rest(endpoints: Collection[Endpoint], servers: Collection[Server]) -> bool:
    """Return whether nothing is left to do, now or when requests end."""
    return not plan(endpoints, servers) and not any(_leaving(endpoints, servers))


def _admitted(endpoints: Iterable[Endpoint]) -> frozenset[str]:
    """Return the names of the endpoints whose servers get requests."""
    for phase in (EndpointPhase.READY, EndpointPhase.UNREADY):
        names = frozenset(endpoint.name for endpoint in endpoints if endpoint.phase is phase)
        if names:
            return names
    return frozenset()


def _leaving(endpoints: Iterable[Endpoint], servers: Iterable[Server]) -> list[Server]:
    staying = {endpoint.name for endpoint in endpoints if endpoint.phase is not EndpointPhase.TERMINATING}
    return [server for server in servers if server.name not in staying]


def _added(endpoint: Endpoint) -> Iterator[Command]:
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    yield Command(
        text=(
            f"add server {BACKEND}/{endpoint.name} {host}:{endpoint.port} {CHECK} "
            f"maxconn {endpoint.max_connections} {IDLE}"
        ),
        answer="New server registered.",
    )
    yield _enable_health(endpoint.name)
    yield _set_state(endpoint.name, "ready")


def _corrected(server: Server, endpoint: Endpoint) -> Iterator[Command]:
    if (server.address, server.port) != (endpoint.address, endpoint.port):
        yield Command(
            text=f"set server {BACKEND}/{server.name} addr {endpoint.address} port {endpoint.port}",
            answer="IP changed" if server.address != endpoint.address else "no need to change the addr, port changed",
        )
    if server.max_connections != endpoint.max_connections:
        yield Command(text=f"set maxconn server {BACKEND}/{server.name} {endpoint.max_connections}")
    if not server.checked:
        yield _enable_health(server.name)
    if not server.admitted:
        yield _set_state(server.name, "ready")


def _drained(server: Server) -> Iterator[Command]:
    if server.admitted:
        yield _set_state(server.name, "drain")


def _removed(server: Server) -> Iterator[Command]:
    if server.admitted:
        yield _set_state(server.name, "drain")
    elif server.in_use == 0:
        if not server.in_maintenance:
            yield _set_state(server.name, "maint")
        yield Command(
            text=f"del server {BACKEND}/{server.name}",
            answer="Server deleted.",
            busy="Server still has connections attached to it",
        )


def _enable_health(name: str) -> Command:
    return Command(text=f"enable health {BACKEND}/{name}")


def _set_state(name: str, state: str) -> Command:
    return Command(text=f"set server {BACKEND}/{name} state {state}")
