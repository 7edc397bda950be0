"""Determines which schedule is in force for a service, and what it allows.

The first of these that applies is in force: the `Enforce` schedules of the cluster that select the service, by highest
priority, then first name; the service's own schedule or, if it has none, the `Default` schedules that select it.

A window allows those of its pools that the service lists, with the bounds that the window sets: an admin's window may
allow more replicas than `spec.pools` does, or fewer. A window with none of the service's pools is skipped, as if it
were never open. A schedule that has only such windows does not apply: the next one is tried, and the bounds report
`NoCommonPool`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.pools import PoolBounds
from embedding_operator.api.v1alpha1.scaling_schedule import Enforcement, ScalingScheduleSpec
from embedding_operator.api.v1alpha1.schedule import ScheduleSpec, Window
from embedding_operator.domain.observation import Allowance, Bounds
from embedding_operator.domain.schedule.timetable import Timetable, WindowState

OWN_SCHEDULE = "EmbeddingService"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSchedule:
    """A `ScalingSchedule` and its name."""

    name: str
    spec: ScalingScheduleSpec


def selects(
    schedule: ScalingScheduleSpec, *, service_labels: Mapping[str, str], namespace_labels: Mapping[str, str]
) -> bool:
    """Return whether `schedule` selects a service with these labels in a namespace with those."""
    return schedule.service_selector.selects(service_labels) and schedule.namespace_selector.selects(namespace_labels)


def bounds_in_force(spec: EmbeddingServiceSpec, *, cluster: Sequence[ClusterSchedule], now: datetime) -> Bounds:
    """Return what is allowed at `now`; `cluster` holds the schedules that select the service, in any order."""
    listed = frozenset(pool.gpu_pool for pool in spec.pools)
    problem = None
    for source, schedule in _by_precedence(spec, cluster=cluster):
        usable = tuple(window for window in schedule.windows if _is_usable(window, listed=listed))
        if usable:
            return _bounds(
                spec, source=source, windows=usable, zone=ZoneInfo(schedule.time_zone), now=now, problem=problem
            )
        problem = Reason.NO_COMMON_POOL
    return Bounds(pools=_allowances(spec.pools, listed=listed), problem=problem)


def schedule_state(spec: ScheduleSpec, *, now: datetime) -> WindowState:
    """Return the state of a schedule by its own windows, whether or not the selected services can use them."""
    return Timetable.of(spec.windows, zone=ZoneInfo(spec.time_zone)).state(now)


def _by_precedence(
    spec: EmbeddingServiceSpec, *, cluster: Iterable[ClusterSchedule]
) -> Iterator[tuple[str, ScheduleSpec]]:
    """Yield the schedules that may be in force, in order of precedence, each with its source."""
    ranked = sorted(cluster, key=lambda each: (-each.spec.priority, each.name))
    yield from _admitted(ranked, enforcement=Enforcement.ENFORCE)
    if spec.schedule is not None:
        yield OWN_SCHEDULE, spec.schedule
    else:
        yield from _admitted(ranked, enforcement=Enforcement.DEFAULT)


def _admitted(ranked: Iterable[ClusterSchedule], *, enforcement: Enforcement) -> Iterator[tuple[str, ScheduleSpec]]:
    for schedule in ranked:
        if schedule.spec.enforcement is enforcement:
            yield f"ScalingSchedule/{schedule.name}", schedule.spec


def _is_usable(window: Window, *, listed: frozenset[str]) -> bool:
    return window.asleep or any(pool.gpu_pool in listed for pool in window.pools)


def _bounds(
    spec: EmbeddingServiceSpec,
    *,
    source: str,
    windows: Sequence[Window],
    zone: ZoneInfo,
    now: datetime,
    problem: Reason | None,
) -> Bounds:
    state = Timetable.of(windows, zone=zone).state(now)
    window = next((each for each in windows if each.name == state.active_window), None)
    asleep = window is not None and window.asleep
    pools: Sequence[PoolBounds] = spec.pools if window is None else window.pools
    successor = next((each for each in windows if each.name == state.next_window), None)
    next_pools: Sequence[PoolBounds] = spec.pools if successor is None else successor.pools
    listed = frozenset(pool.gpu_pool for pool in spec.pools)
    return Bounds(
        pools=() if asleep else _allowances(pools, listed=listed),
        asleep=asleep,
        source=source,
        window=state.active_window,
        since=state.since,
        next_window=state.next_window,
        next_transition=state.next_transition,
        upcoming=() if state.next_transition is None else _allowances(next_pools, listed=listed),
        zone=zone,
        problem=problem,
    )


def _allowances(pools: Sequence[PoolBounds], *, listed: frozenset[str]) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(pool=pool.gpu_pool, min_replicas=pool.min_replicas, max_replicas=pool.max_replicas)
        for pool in pools
        if pool.gpu_pool in listed
    )
