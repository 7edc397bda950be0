"""Which way requests take to the engines, and how a running service changes it without failing one.

    Engines ──(every gateway pod Ready)──► Gateway ──(disabled)──► Leaving ──(an engine Ready)──► Engines

| phase   | the Service selects | gateway pods                   | engines are open to                    |
|---------|---------------------|--------------------------------|----------------------------------------|
| Engines | engines             | while they start, or linger on | everybody                              |
| Gateway | gateway pods        | yes                            | the gateway, at first still everybody  |
| Leaving | gateway pods        | yes                            | everybody                              |

Connections that clients keep open lead where they led before a change. So after it the way before stays open for
`LINGER`, and engines are opened `SETTLE` before the Service selects them: network plugins take a moment.

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
SETTLE = timedelta(seconds=5)


class Phase(StrEnum):
    """Where requests go, as the Service says it of itself."""

    ENGINES = "Engines"
    GATEWAY = "Gateway"
    LEAVING = "Leaving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What the Service of a service says: its phase, and since when; None where it began so."""

    phase: Phase
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
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
    door: Door | None
    restricted: bool
    obstacle: str | None = None
    keys_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What to render: the door, whether there are gateway pods, and whether engines are closed to everybody else."""

    door: Door
    gateway: bool
    restricted: bool

    @property
    def leads_through_gateway(self) -> bool:
        """Return whether the Service selects the gateway pods."""
        return self.door.phase is not Phase.ENGINES


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """A route, and the seconds after which the clock alone changes it; None where it does not."""

    route: Route
    requeue_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Whether requests get through the gateway, as a condition says it."""

    status: ConditionStatus
    reason: Reason
    message: str


ENGINES_ONLY = Route(door=Door(phase=Phase.ENGINES, since=None), gateway=False, restricted=False)
"""The route of a service that never had a gateway."""

GATEWAY_ONLY = Route(door=Door(phase=Phase.GATEWAY, since=None), gateway=True, restricted=True)
"""The route of a service that began with its gateway."""


def routed(situation: Situation) -> Routing:
    """Return the route to take next. Total: every situation has one."""
    door = _next_door(situation)
    lingering = _left(LINGER, door=door, now=situation.now)
    match door.phase:
        case Phase.GATEWAY:
            return Routing(route=Route(door=door, gateway=True, restricted=not lingering), requeue_after=lingering)
        case Phase.LEAVING:
            settling = _left(SETTLE, door=door, now=situation.now)
            return Routing(route=Route(door=door, gateway=True, restricted=False), requeue_after=settling)
        case Phase.ENGINES:
            gateway = situation.wanted or lingering is not None
            after = None if situation.wanted else lingering
            return Routing(route=Route(door=door, gateway=gateway, restricted=False), requeue_after=after)


def passage(situation: Situation, route: Route) -> Passage:
    """Return what to tell users about the way of their requests."""
    ready = _readiness(situation)
    match route.door.phase:
        case Phase.ENGINES if situation.wanted:
            message = f"requests still go to the engines themselves: {ready}"
            return Passage(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_STARTING, message=message)
        case Phase.ENGINES:
            message = (
                "spec.gateway.enabled is false: one request can end an engine, and requests fail while there is no "
                "replica"
            )
            return Passage(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_DISABLED, message=message)
        case Phase.LEAVING:
            message = "spec.gateway.enabled is false: the gateway serves until a Ready engine can take over"
            return Passage(status=ConditionStatus.TRUE, reason=Reason.GATEWAY_LEAVING, message=message)
        case Phase.GATEWAY if situation.pods_ready == 0:
            message = f"no request is answered: {ready}"
            return Passage(status=ConditionStatus.FALSE, reason=Reason.GATEWAY_UNAVAILABLE, message=message)
        case Phase.GATEWAY if situation.pods_ready < situation.pods_wanted:
            return Passage(status=ConditionStatus.TRUE, reason=Reason.GATEWAY_DEGRADED, message=ready)
        case Phase.GATEWAY:
            message = "requests pass through the gateway"
            return Passage(status=ConditionStatus.TRUE, reason=Reason.ROUTED, message=message)


def _readiness(situation: Situation) -> str:
    ready = f"{situation.pods_ready} of {situation.pods_wanted} gateway pods are Ready"
    if situation.obstacle is not None:
        ready += f" ({situation.obstacle})"
    if situation.keys_source is not None:
        ready += f"; new ones wait for the Secret {situation.keys_source} if there is none"
    return ready


def _next_door(situation: Situation) -> Door:
    door, now = situation.door, situation.now.replace(microsecond=0)
    if door is None:
        return (GATEWAY_ONLY if situation.wanted else ENGINES_ONLY).door
    if door.since is not None and door.since > now:
        # A clock that was set back must not keep a phase for longer than its span.
        door = replace(door, since=now)
    phase = _next_phase(situation, door=door)
    if phase is door.phase and not (phase is Phase.LEAVING and situation.restricted):
        return door
    # Engines that are not open yet have not been open for any time.
    return Door(phase=phase, since=now)


def _next_phase(situation: Situation, *, door: Door) -> Phase:
    match door.phase:
        case Phase.ENGINES if situation.wanted and situation.pods_ready >= situation.pods_wanted:
            return Phase.GATEWAY
        case Phase.GATEWAY if not situation.wanted:
            return Phase.LEAVING
        case Phase.LEAVING if situation.wanted:
            return Phase.GATEWAY
        case Phase.LEAVING if situation.engines_ready and not situation.restricted:
            return Phase.LEAVING if _left(SETTLE, door=door, now=situation.now) else Phase.ENGINES
    return door.phase


def _left(span: timedelta, *, door: Door, now: datetime) -> float | None:
    """Return the seconds until the door is as it is for `span`; None where it is."""
    if door.since is None or now >= door.since + span:
        return None
    return (door.since + span - now).total_seconds()
