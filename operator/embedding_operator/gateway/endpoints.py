"""The engine pods of a service, as listed in its EndpointSlices."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import ip_address
from typing import Any

from embedding_operator.gateway_contract import MAX_CONNECTIONS_LABEL

_FAMILIES = ("IPv4", "IPv6")
_POD_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


class EndpointPhase(StrEnum):
    """Whether a pod should get requests, as far as Kubernetes knows."""

    READY = "ready"
    UNREADY = "unready"
    TERMINATING = "terminating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One engine pod. `max_connections` limits its concurrent requests."""

    name: str
    uid: str
    address: str
    port: int
    phase: EndpointPhase
    max_connections: int


def endpoints(slices: Iterable[Mapping[str, Any]], *, port_name: str, max_connections: int) -> tuple[Endpoint, ...]:
    """Return one endpoint for each pod in `slices`, sorted by name.

    A pod may be in several slices: with another address family, or twice while it moves from one slice to another. Of
    two pods with the same name, the one that is not terminating counts. `max_connections` applies if a slice has no
    usable label of its own.
    """
    by_pod: defaultdict[tuple[str, str], list[tuple[int, Endpoint]]] = defaultdict(list)
    for body in slices:
        for family, endpoint in _listed(body, port_name=port_name, max_connections=max_connections):
            by_pod[endpoint.name, endpoint.uid].append((family, endpoint))
    by_name: dict[str, Endpoint] = {}
    for each in sorted((_merged(entries) for entries in by_pod.values()), key=_preference):
        by_name.setdefault(each.name, each)
    return tuple(by_name[name] for name in sorted(by_name))


def _listed(body: Mapping[str, Any], *, port_name: str, max_connections: int) -> Iterator[tuple[int, Endpoint]]:
    port = _port(body.get("ports") or (), name=port_name)
    family = body.get("addressType")
    if port is None or family not in _FAMILIES:
        return
    limit = _limit(body["metadata"].get("labels") or {}, otherwise=max_connections)
    for endpoint in body.get("endpoints") or ():
        target = endpoint.get("targetRef") or {}
        name, address = target.get("name", ""), _address(endpoint.get("addresses") or ())
        if target.get("kind") != "Pod" or not _POD_NAME.fullmatch(name) or address is None:
            continue
        yield (
            _FAMILIES.index(family),
            Endpoint(
                name=name,
                uid=target.get("uid", ""),
                address=address,
                port=port,
                phase=_phase(endpoint.get("conditions") or {}),
                max_connections=limit,
            ),
        )


def _port(ports: Iterable[Mapping[str, Any]], *, name: str) -> int | None:
    return next((port["port"] for port in ports if port.get("name") == name and port.get("port")), None)


def _address(addresses: Sequence[str]) -> str | None:
    """Return the first address, which represents the endpoint, in the form in which HAProxy shows it."""
    try:
        return str(ip_address(addresses[0]))
    except (IndexError, ValueError):
        return None


def _limit(labels: Mapping[str, str], *, otherwise: int) -> int:
    text = labels.get(MAX_CONNECTIONS_LABEL, "")
    return int(text) if text.isdecimal() and int(text) > 0 else otherwise


def _phase(conditions: Mapping[str, bool | None]) -> EndpointPhase:
    if conditions.get("terminating"):
        return EndpointPhase.TERMINATING
    # Kubernetes omits readiness if it is unknown, and specifies that this means ready.
    return EndpointPhase.UNREADY if conditions.get("ready") is False else EndpointPhase.READY


def _merged(entries: list[tuple[int, Endpoint]]) -> Endpoint:
    """Return one endpoint for all entries of a pod: a pod never returns from termination."""
    _, first = min(entries, key=lambda entry: (entry[0], entry[1].address, entry[1].port))
    phases = {endpoint.phase for _, endpoint in entries}
    phase = next(
        phase for phase in (EndpointPhase.TERMINATING, EndpointPhase.READY, EndpointPhase.UNREADY) if phase in phases
    )
    return replace(first, phase=phase, max_connections=min(endpoint.max_connections for _, endpoint in entries))


def _preference(endpoint: Endpoint) -> tuple[int, str]:
    return [EndpointPhase.READY, EndpointPhase.UNREADY, EndpointPhase.TERMINATING].index(endpoint.phase), endpoint.uid
