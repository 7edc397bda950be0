"""Which way requests take to the engines, and how a running service changes it without failing one.

    Engines ──(every gateway pod Ready)──► Gateway ──(disabled)──► Leaving ──(an engine Ready)──► Engines

| phase   | the Service selects | gateway pods                   | engines are open to                    |
|---------|---------------------|--------------------------------|----------------------------------------|
| Engines | engines             | while they start, or linger on | everybody                              |
| Gateway | gateway pods        | yes                            | the gateway, at first still everybody  |
| Leaving | gateway pods        | yes                            | everybody                              |

Connections that clients keep open lead where they led before a change. So after it the way before stays open for
`LINGER`, and engines are opened `ENGINES_SETTLE` before the Service selects them: network plugins take a moment.

A Service that is new has no such clients: it begins with the gateway and keeps everybody else out at once, so that no
request ever gets around the API keys.

A gateway without a Ready pod is not gone around. Engines would stand open to requests that end them and to clients
without a key, without a queue, at the worst moment; and what stops every pod of a gateway (nodes, images, quota) is
mended as fast as it would be noticed here.

The state is in the Service itself (phase, and since when), so it is written in one step with what it selects, and an
operator that restarts anywhere goes on from there.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from embedding_operator.api.v1alpha1.conditions import ConditionStatus, Reason

LINGER = timedelta(seconds=60)
ENGINES_SETTLE = timedelta(seconds=5)


class RoutePhase(StrEnum):
    """Where requests go, as the Service says it of itself."""

    ENGINES = "Engines"
    GATEWAY = "Gateway"
    LEAVING = "Leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteState:
    """What the Service of a service says: its phase, and since when; None where it began so."""

    phase: RoutePhase
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingInput:
    """Everything that the way of requests depends on.

    `door` is None where there is no Service yet. `restricted` says whether the NetworkPolicy of the engines is there.
    `obstacle` is what keeps a gateway pod from becoming Ready, in words. `keys_source` names the Secret that new pods
    wait for.
    """

    now: datetime
    wanted: bool
    pods_wanted: int
    pods_ready: int
    engines_ready: int
    state: RouteState | None
    restricted: bool
    pod_problem: str | None = None
    keys_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What to render: the door, whether there are gateway pods, and whether engines are closed to everybody else."""

    state: RouteState
    gateway: bool
    restricted: bool

    @property
    def selects_gateway(self) -> bool:
        """Return whether the Service selects the gateway pods."""
        return self.state.phase is not RoutePhase.ENGINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A route, and the seconds after which the clock alone changes it; None where it does not."""

    route: Route
    requeue_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReadiness:
    """Whether requests get through the gateway, as a condition says it."""

    status: ConditionStatus
    reason: Reason
    message: str


ENGINES_ONLY = Route(state=RouteState(phase=RoutePhase.ENGINES, since=None), gateway=False, restricted=False)
"""The route of a service that never had a gateway."""

GATEWAY_ONLY = Route(state=RouteState(phase=RoutePhase.GATEWAY, since=None), gateway=True, restricted=True)
"""The route of a service that began with its gateway."""


def routed(given: RoutingInput) -> Routing:
    """Return the route to take next. Total: every situation has one."""
    state = _next_state(given)
    lingering = _left(LINGER, state=state, now=given.now)
    match state.phase:
        case RoutePhase.GATEWAY:
            return Routing(route=Route(state=state, gateway=True, restricted=not lingering), requeue_after=lingering)
        case RoutePhase.LEAVING:
            settling = _left(ENGINES_SETTLE, state=state, now=given.now)
            return Routing(route=Route(state=state, gateway=True, restricted=False), requeue_after=settling)
        case RoutePhase.ENGINES:
            gateway = given.wanted or lingering is not None
            after = None if given.wanted else lingering
            return Routing(route=Route(state=state, gateway=gateway, restricted=False), requeue_after=after)


def gateway_readiness(given: RoutingInput, route: Route) -> GatewayReadiness:
    """Return what to tell users about the way of their requests."""
    ready = _readiness(given)
    match route.state.phase:
        case RoutePhase.ENGINES if given.wanted:
            message = f"requests still go to the engines themselves: {ready}"
            return GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_STARTING, message=message)
        case RoutePhase.ENGINES:
            message = (
                "spec.gateway.enabled is false: one request can end an engine, and requests fail while there is no "
                "replica"
            )
            return GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_DISABLED, message=message)
        case RoutePhase.LEAVING:
            message = "spec.gateway.enabled is false: the gateway serves until a Ready engine can take over"
            return GatewayReadiness(status=ConditionStatus.TRUE, reason=Reason.GATEWAY_LEAVING, message=message)
        case RoutePhase.GATEWAY if given.pods_ready == 0:
            message = f"no request is answered: {ready}"
            return GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_UNAVAILABLE, message=message)
        case RoutePhase.GATEWAY if given.pods_ready < given.pods_wanted:
            return GatewayReadiness(status=ConditionStatus.TRUE, reason=Reason.GATEWAY_DEGRADED, message=ready)
        case RoutePhase.GATEWAY:
            message = "requests pass through the gateway"
            return GatewayReadiness(status=ConditionStatus.TRUE, reason=Reason.ROUTED, message=message)


def _readiness(given: RoutingInput) -> str:
    ready = f"{given.pods_ready} of {given.pods_wanted} gateway pods are Ready"
    if given.pod_problem is not None:
        ready += f" ({given.pod_problem})"
    if given.keys_source is not None:
        ready += f"; new ones wait for the Secret {given.keys_source} if there is none"
    return ready


def _next_state(given: RoutingInput) -> RouteState:
    state, now = given.state, given.now.replace(microsecond=0)
    if state is None:
        return (GATEWAY_ONLY if given.wanted else ENGINES_ONLY).state
    if state.since is not None and state.since > now:
        # A clock that was set back must not keep a phase for longer than its span.
        state = replace(state, since=now)
    phase = _next_phase(given, state=state)
    if phase is state.phase and not (phase is RoutePhase.LEAVING and given.restricted):
        return state
    # Engines that are not open yet have not been open for any time.
    return RouteState(phase=phase, since=now)


def _next_phase(given: RoutingInput, *, state: RouteState) -> RoutePhase:
    match state.phase:
        case RoutePhase.ENGINES if given.wanted and given.pods_ready >= given.pods_wanted:
            return RoutePhase.GATEWAY
        case RoutePhase.GATEWAY if not given.wanted:
            return RoutePhase.LEAVING
        case RoutePhase.LEAVING if given.wanted:
            return RoutePhase.GATEWAY
        case RoutePhase.LEAVING if given.engines_ready and not given.restricted:
            return RoutePhase.LEAVING if _left(ENGINES_SETTLE, state=state, now=given.now) else RoutePhase.ENGINES
    return state.phase


def _left(span: timedelta, *, state: RouteState, now: datetime) -> float | None:
    """Return the seconds until the door is as it is for `span`; None where it is."""
    if state.since is None or now >= state.since + span:
        return None
    return (state.since + span - now).total_seconds()
