"""The windows of a schedule over the next days, in the time zone of the schedule."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.domain.observation import Allowance, Bounds
from embedding_operator.domain.schedule.bounds import OWN_SCHEDULE, ClusterSchedule, bounds_in_force

SPEC_POOLS = "-"
"""Shown as the window while none is open."""

NOT_SELECTING = "ScalingSchedule {name} in the file does not select the service: see its selectors."


class Stretch(BaseModel):
    """A period without a transition: its window and its bounds. A `window` of None stands for spec.pools.

    `source` is the schedule in force: `EmbeddingService` for the service's own, `ScalingSchedule/NAME`, or None.
    """

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True)

    begin: datetime
    end: datetime
    source: str | None = None
    window: str | None
    asleep: bool
    pools: tuple[Allowance, ...]


def stretches(
    spec: EmbeddingServiceSpec, *, cluster: Sequence[ClusterSchedule] = (), begin: datetime, end: datetime
) -> tuple[Stretch, ...]:
    """Return the periods from `begin` to `end`, in the time zone of the schedule that is in force.

    `cluster` holds the ScalingSchedules that select the service.
    """
    return tuple(_stretches(spec, cluster=cluster, begin=begin, end=end))


def _stretches(
    spec: EmbeddingServiceSpec, *, cluster: Sequence[ClusterSchedule], begin: datetime, end: datetime
) -> Iterator[Stretch]:
    now = begin
    while now < end:
        bounds = bounds_in_force(spec, cluster=cluster, now=now)
        until = min(end, bounds.next_transition or end)
        yield _stretch(bounds, begin=now, end=until)
        now = until


def _stretch(bounds: Bounds, *, begin: datetime, end: datetime) -> Stretch:
    return Stretch(
        begin=begin.astimezone(bounds.zone),
        end=end.astimezone(bounds.zone),
        source=bounds.source,
        window=bounds.window,
        asleep=bounds.asleep,
        pools=bounds.pools,
    )


def week_told(found: tuple[Stretch, ...], *, name: str, not_selecting: Sequence[str] = ()) -> str:
    """Return a line for each stretch, the first is the current one; `not_selecting` are schedules without a say."""
    first = found[0]
    lines = [
        f"{name}: windows from {_moment(first.begin)} to {_moment(found[-1].end)}, {_schedule(first)}",
        "",
        _line("from", "for", "window", "replicas"),
    ]
    for each in found:
        lasts = _lasting(each.end.astimezone(UTC) - each.begin.astimezone(UTC))
        lines.append(_line(_moment(each.begin), lasts, each.window or SPEC_POOLS, _allowed(each)))
    changes = len(found) - 1
    lines += [
        "",
        f'{changes} change{"" if changes == 1 else "s"}. Where the window is "{SPEC_POOLS}", spec.pools applies.',
    ]
    lines += [NOT_SELECTING.format(name=each) for each in not_selecting]
    return "\n".join(lines) + "\n"


def _schedule(stretch: Stretch) -> str:
    """Return the time zone, and whose schedule it is where that is not the service's own."""
    zone = str(stretch.begin.tzinfo)
    return zone if stretch.source in (None, OWN_SCHEDULE) else f"{zone}, by {stretch.source}"


def _line(begin: str, lasts: str, window: str, allowed: str) -> str:
    return f"  {begin:<27}{lasts:>9}  {window:<20}{allowed}".rstrip()


def _moment(moment: datetime) -> str:
    offset = moment.strftime("%z")
    return f"{moment:%a %Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def _lasting(time: timedelta) -> str:
    hours, minutes = divmod(round(time.total_seconds() / 60), 60)
    return f"{hours} h" if minutes == 0 else f"{hours} h {minutes:02d}"


def _allowed(stretch: Stretch) -> str:
    if stretch.asleep:
        return "none, asleep"
    return ", ".join(f"{pool.pool} {_range(pool)}" for pool in stretch.pools)


def _range(pool: Allowance) -> str:
    exact = pool.min_replicas == pool.max_replicas
    return f"{pool.max_replicas}" if exact else f"{pool.min_replicas} to {pool.max_replicas}"
