"""Determines which window of one schedule wins at an instant, since when, and until when.

Exactly one wins at every instant: the open window with the highest priority, among equals the first by name, or if none
is open the base, which is not a window.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from embedding_operator.api.v1alpha1.schedule import Window
from embedding_operator.domain.schedule.local_clock import instant_of, local_time
from embedding_operator.domain.schedule.windows import WindowHours

_JUST_BEFORE = timedelta.resolution
_QUIET_DAYS = 16
"""Without a listed date nearby, the winner repeats weekly. Two weeks contain every weekday at least once without a
clock change that could swallow a window; a listed date extends into the next day, and one day is spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowState:
    """The state of a schedule; a window of None is the base.

    `since` is the instant from which `active_window` has won without a break, None if it always has.
    `next_transition` is the first instant after now at which the winner differs, and `next_window` the winner then;
    both are None if the winner never changes.
    """

    active_window: str | None
    since: datetime | None
    next_window: str | None
    next_transition: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """The hours of the windows of one schedule, highest precedence first."""

    zone: ZoneInfo
    ranked: tuple[WindowHours, ...]

    @classmethod
    def of(cls, windows: Iterable[Window], *, zone: ZoneInfo) -> "Timetable":
        """Return the timetable of `windows` on the clock of `zone`."""
        hours = sorted(map(WindowHours.of, windows), key=lambda each: (-each.priority, each.name))
        return cls(zone=zone, ranked=tuple(hours))

    def winner(self, now: datetime) -> WindowHours | None:
        """Return the window that wins at the instant `now`."""
        return _first_open(self.ranked, local=local_time(now, zone=self.zone))

    def state(self, now: datetime) -> WindowState:
        """Return the winner at `now`, since when it wins, and its successor."""
        local = local_time(now, zone=self.zone)
        winner = _first_open(self.ranked, local=local)
        # Only the winner itself and windows that take precedence over it can begin or end its time.
        rivals = self.ranked if winner is None else self.ranked[: self.ranked.index(winner) + 1]
        since = self._rules_since(winner, rivals=rivals, local=local)
        transition = self._rules_until(winner, rivals=rivals, local=local)
        successor = None if transition is None else self.winner(transition)
        return WindowState(
            active_window=None if winner is None else winner.name,
            since=since,
            next_window=None if successor is None else successor.name,
            next_transition=transition,
        )

    def _rules_until(
        self, winner: WindowHours | None, *, rivals: Sequence[WindowHours], local: datetime
    ) -> datetime | None:
        for boundary in _boundaries(rivals, first=local.date(), step=1):
            if boundary > local and _first_open(rivals, local=boundary) is not winner:
                instant = instant_of(boundary, zone=self.zone)
                # A window that begins and ends within skipped time never opens.
                if self.winner(instant) is not winner:
                    return instant
        return None

    def _rules_since(
        self, winner: WindowHours | None, *, rivals: Sequence[WindowHours], local: datetime
    ) -> datetime | None:
        for boundary in _boundaries(rivals, first=local.date(), step=-1):
            if boundary <= local and _first_open(rivals, local=boundary - _JUST_BEFORE) is not winner:
                instant = instant_of(boundary, zone=self.zone)
                if self.winner(instant - _JUST_BEFORE) is not winner:
                    return instant
        return None


def _first_open(ranked: Sequence[WindowHours], *, local: datetime) -> WindowHours | None:
    return next((hours for hours in ranked if hours.is_open(local)), None)


def _boundaries(windows: Sequence[WindowHours], *, first: date, step: int) -> Iterator[datetime]:
    """Yield the naive times from the day `first` on at which the winner can change; backwards if `step` is -1."""
    for day in _days(windows, first=first, step=step):
        yield from sorted({each for hours in windows for each in hours.boundaries(day)}, reverse=step < 0)


def _days(windows: Sequence[WindowHours], *, first: date, step: int) -> Iterator[date]:
    """Yield the days from `first` on in the direction of `step`, without those that only repeat earlier ones."""
    reached = first.toordinal() - step
    for anchor in _anchors(windows, first=first, step=step):
        for distance in range(-1, _QUIET_DAYS + 1):
            ordinal = anchor.toordinal() + step * distance
            if (ordinal - reached) * step > 0:
                reached = ordinal
                yield date.fromordinal(ordinal)


def _anchors(windows: Sequence[WindowHours], *, first: date, step: int) -> Iterator[date]:
    """Yield `first` and the days on which a window differs from its week.

    The winner changes on the first of those at the latest, so the work of a search is bounded however many are listed.
    """
    yield first
    unlike = {day for hours in windows for day in hours.unlike_their_week()}
    yield from sorted((day for day in unlike if (day - first).days * step > 0), reverse=step < 0)
