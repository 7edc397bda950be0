"""Determines which schedule is in force for a service, and what it allows.

The first of these that applies is in force: the `Enforce` schedules of the cluster that select the service, by highest
priority, then first name; the service's own schedule or, if it has none, the `Default` schedules that select it.

A window allows those of its pools that the service lists, with the bounds that the window sets: an admin's window may
allow more replicas than `spec.pools` does, or fewer. While a window with none of the service's pools is open, the
bounds report `NoCommonPool`. In an `Enforce` schedule, the tightest bounds of its other windows apply then: no service
escapes its admin's limits. In any other schedule, it is as if that window were not open. A schedule that has only such
windows does not apply: the next one is tried, and the bounds report `NoCommonPool`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
class _Ranked:
    """A schedule that may be in force, where it comes from, and whether its limits hold whatever a service lists."""

    source: str
    schedule: ScheduleSpec
    enforced: bool = False


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
    for ranked in _by_precedence(spec, cluster=cluster):
        if any(_is_usable(window, listed=listed) for window in ranked.schedule.windows):
            return _bounds(spec, ranked=ranked, now=now, problem=problem)
        problem = Reason.NO_COMMON_POOL
    return Bounds(pools=_allowances(spec.pools, listed=listed), problem=problem)


def schedule_state(spec: ScheduleSpec, *, now: datetime) -> WindowState:
    """Return the state of a schedule by its own windows, whether or not the selected services can use them."""
    return Timetable.of(spec.windows, zone=ZoneInfo(spec.time_zone)).state(now)


def _by_precedence(spec: EmbeddingServiceSpec, *, cluster: Iterable[ClusterSchedule]) -> Iterator[_Ranked]:
    """Yield the schedules that may be in force, in order of precedence."""
    ranked = sorted(cluster, key=lambda each: (-each.spec.priority, each.name))
    yield from _admitted(ranked, enforcement=Enforcement.ENFORCE)
    if spec.schedule is not None:
        yield _Ranked(source=OWN_SCHEDULE, schedule=spec.schedule)
    else:
        yield from _admitted(ranked, enforcement=Enforcement.DEFAULT)


def _admitted(ranked: Iterable[ClusterSchedule], *, enforcement: Enforcement) -> Iterator[_Ranked]:
    for each in ranked:
        if each.spec.enforcement is enforcement:
            enforced = enforcement is Enforcement.ENFORCE
            yield _Ranked(source=f"ScalingSchedule/{each.name}", schedule=each.spec, enforced=enforced)


def _is_usable(window: Window, *, listed: Collection[str]) -> bool:
    return window.asleep or any(pool.gpu_pool in listed for pool in window.pools)


def _bounds(spec: EmbeddingServiceSpec, *, ranked: _Ranked, now: datetime, problem: Reason | None) -> Bounds:
    """Return the bounds of a schedule that has at least one window with a pool of the service."""
    listed, zone = frozenset(pool.gpu_pool for pool in spec.pools), ZoneInfo(ranked.schedule.time_zone)
    windows = ranked.schedule.windows
    by_name = {window.name: window for window in reversed(windows)}
    usable = tuple(window for window in windows if _is_usable(window, listed=listed))

    def allowed(name: str | None) -> tuple[Allowance, ...]:
        if name is None:
            return _allowances(spec.pools, listed=listed)
        window = by_name[name]
        if not _is_usable(window, listed=listed):
            return _tightest(usable, spec=spec)
        return _allowances(window.pools, listed=listed)

    timetable = Timetable.of(windows, zone=zone)
    open_now = timetable.winner(now)
    if open_now is not None and not _is_usable(by_name[open_now.name], listed=listed):
        problem = Reason.NO_COMMON_POOL
    if not ranked.enforced and len(usable) < len(windows):
        timetable = Timetable.of(usable, zone=zone)
    state = timetable.state(now)
    window = by_name.get(state.active_window or "")
    return Bounds(
        pools=allowed(state.active_window),
        asleep=window is not None and window.asleep,
        source=ranked.source,
        window=state.active_window,
        since=state.since,
        next_window=state.next_window,
        next_transition=state.next_transition,
        upcoming=() if state.next_transition is None else allowed(state.next_window),
        zone=zone,
        problem=problem,
    )


def _tightest(windows: Iterable[Window], *, spec: EmbeddingServiceSpec) -> tuple[Allowance, ...]:
    """Return the lowest bounds that `windows` set for each pool of the service; its own if they set none."""
    stated: defaultdict[str, list[PoolBounds]] = defaultdict(list)
    for pool in (pool for window in windows for pool in window.pools):
        stated[pool.gpu_pool].append(pool)
    lowest = tuple(
        Allowance(
            pool=pool.gpu_pool,
            min_replicas=min(each.min_replicas for each in stated[pool.gpu_pool]),
            max_replicas=min(each.max_replicas for each in stated[pool.gpu_pool]),
        )
        for pool in spec.pools
        if pool.gpu_pool in stated
    )
    return lowest or _allowances(spec.pools, listed={pool.gpu_pool for pool in spec.pools})


def _allowances(pools: Sequence[PoolBounds], *, listed: Collection[str]) -> tuple[Allowance, ...]:
    return tuple(
        Allowance(pool=pool.gpu_pool, min_replicas=pool.min_replicas, max_replicas=pool.max_replicas)
        for pool in pools
        if pool.gpu_pool in listed
    )
