"""The windows of a schedule over the next days, in the time zone of the schedule."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.domain.observation import Allowance, Bounds
from embedding_operator.domain.schedule.bounds import bounds_in_force

SPEC_POOLS = "-"
"""Shown as the window while none is open."""


class Stretch(BaseModel):
    """A period without a transition: its window and its bounds. A `window` of None stands for spec.pools."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True, populate_by_name=True)

    begin: datetime
    end: datetime
    window: str | None
    asleep: bool
    pools: tuple[Allowance, ...]


def stretches(spec: EmbeddingServiceSpec, *, begin: datetime, end: datetime) -> tuple[Stretch, ...]:
    """Return the periods from `begin` to `end`, in the time zone of the schedule."""
    return tuple(_stretches(spec, begin=begin, end=end))


def _stretches(spec: EmbeddingServiceSpec, *, begin: datetime, end: datetime) -> Iterator[Stretch]:
    now = begin
    while now < end:
        bounds = bounds_in_force(spec, cluster=(), now=now)
        until = min(end, bounds.next_transition or end)
        yield _stretch(bounds, begin=now, end=until)
        now = until


def _stretch(bounds: Bounds, *, begin: datetime, end: datetime) -> Stretch:
    return Stretch(
        begin=begin.astimezone(bounds.zone),
        end=end.astimezone(bounds.zone),
        window=bounds.window,
        asleep=bounds.asleep,
        pools=bounds.pools,
    )


def week_told(found: tuple[Stretch, ...], *, name: str, zone: str) -> str:
    """Return a line for each stretch; the first is the current one."""
    lines = [
        f"{name}: windows from {_moment(found[0].begin)} to {_moment(found[-1].end)}, {zone}",
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
    return "\n".join(lines) + "\n"


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
