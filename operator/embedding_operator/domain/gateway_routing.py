"""The route of requests to the engines, and how a running service changes it without failing a request.

    Engines ──(every gateway pod Ready)──► Gateway ──(disabled)──► Leaving ──(an engine Ready)──► Engines

| phase   | the Service selects | gateway pods                   | engines accept                           |
|---------|---------------------|--------------------------------|------------------------------------------|
| Engines | engines             | while they start, or linger on | any client                               |
| Gateway | gateway pods        | yes                            | the gateway, at first still any client   |
| Leaving | gateway pods        | yes                            | any client                               |

Connections that clients keep open still use the previous route after a change. The previous route therefore stays open
for `LINGER`, and engines are opened `ENGINES_SETTLE` before the Service selects them: network plugins take a moment.

A new Service has no such clients: it begins with the gateway and closes the engines to all other clients at once, so
that no request ever bypasses the API keys.

A gateway without a Ready pod is not bypassed. Engines would be exposed, without a queue and at the worst moment, to
requests that crash them and to clients without a key; and whatever stops every pod of a gateway (nodes, images, quota)
is fixed as fast as it would be noticed here.

The state (phase, and since when) is stored in the Service itself, so it is written in one step with the selector, and
an operator that restarts at any point continues from there.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from embedding_operator.api.v1alpha1.conditions import ConditionStatus, Reason

LINGER = timedelta(seconds=60)
ENGINES_SETTLE = timedelta(seconds=5)


class RoutePhase(StrEnum):
    """Where requests go, as stored in the Service."""

    ENGINES = "Engines"
    GATEWAY = "Gateway"
    LEAVING = "Leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteState:
    """The state stored in the Service: its phase, and since when; None if it began in that phase."""

    phase: RoutePhase
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingInput:
    """Everything that the route of requests depends on.

    `state` is None if there is no Service yet. `restricted` says whether the NetworkPolicy of the engines exists.
    `pod_problem` says what prevents a gateway pod from becoming Ready. `keys_source` names the Secret whose API keys
    are required, and that new pods wait for; `pods_without_keys` is how many Ready pods do not require them.
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
    pods_without_keys: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What to render: the state, whether there are gateway pods, and whether engines accept only the gateway."""

    state: RouteState
    gateway: bool
    restricted: bool

    @property
    def selects_gateway(self) -> bool:
        """Return whether the Service selects the gateway pods."""
        return self.state.phase is not RoutePhase.ENGINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A route, and the seconds until the clock alone changes it, None if it does not."""

    route: Route
    requeue_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayReadiness:
    """Whether requests pass through the gateway, in the form of a condition."""

    status: ConditionStatus
    reason: Reason
    message: str


ENGINES_ONLY = Route(state=RouteState(phase=RoutePhase.ENGINES, since=None), gateway=False, restricted=False)
"""The route of a service that never had a gateway."""

GATEWAY_ONLY = Route(state=RouteState(phase=RoutePhase.GATEWAY, since=None), gateway=True, restricted=True)
"""The route of a service that began with its gateway."""


def routed(given: RoutingInput) -> Routing:
    """Return the route to use next; every input has one."""
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
    """Return what to tell users about the route of their requests."""
    ready = _readiness(given)
    unkeyed = _unkeyed(given, route)
    if unkeyed is not None:
        message = f"{unkeyed}: {ready}"
        return GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.KEYS_NOT_ENFORCED, message=message)
    return _told(given, route, ready=ready)


def _told(given: RoutingInput, route: Route, *, ready: str) -> GatewayReadiness:
    match route.state.phase:
        case RoutePhase.ENGINES if given.wanted:
            message = f"requests still go directly to the engines: {ready}"
            return GatewayReadiness(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_STARTING, message=message)
        case RoutePhase.ENGINES:
            message = (
                "spec.gateway.enabled is false: a single request can crash an engine, and requests fail while there is "
                "no replica"
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


def _unkeyed(given: RoutingInput, route: Route) -> str | None:
    """Return how a client without an API key can still get an answer; None if it cannot, or needs no key."""
    if not given.wanted or given.keys_source is None:
        return None
    if not route.restricted:
        return "clients can still reach the engines directly, without an API key"
    if given.pods_without_keys:
        return f"{given.pods_without_keys} Ready gateway pods do not require the keys of the Secret {given.keys_source}"
    return None


def _readiness(given: RoutingInput) -> str:
    ready = f"{given.pods_ready} of {given.pods_wanted} gateway pods are Ready"
    if given.pod_problem is not None:
        ready += f" ({given.pod_problem})"
    if given.keys_source is not None:
        ready += f"; new pods wait for the Secret {given.keys_source} if it does not exist"
    return ready


def _next_state(given: RoutingInput) -> RouteState:
    state, now = given.state, given.now.replace(microsecond=0)
    if state is None:
        return (GATEWAY_ONLY if given.wanted else ENGINES_ONLY).state
    if state.since is not None and state.since > now:
        # A clock that went back must not extend a phase beyond its span.
        state = replace(state, since=now)
    phase = _next_phase(given, state=state)
    if phase is state.phase and not (phase is RoutePhase.LEAVING and given.restricted):
        return state
    # The time starts anew: engines that are still restricted have not been open for any time.
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
    """Return the seconds until this phase has lasted `span`, or None if it has."""
    if state.since is None or now >= state.since + span:
        return None
    return (state.since + span - now).total_seconds()
