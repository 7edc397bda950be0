"""The hours of one window: the half-open intervals of local time in which it is open."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from embedding_operator.api.v1alpha1.schedule import Weekday, Window

_DAY = timedelta(days=1)
_MINUTES_PER_DAY = 24 * 60
_EVERY_DAY = frozenset(range(len(Weekday)))
_WEEKDAY_NUMBER = {weekday: number for number, weekday in enumerate(Weekday)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowHours:
    """The times at which a window is open.

    `opens` and `closes` are minutes after the midnight that begins the day on which it opens; `closes` is larger than
    `opens` and at most two days. `weekdays` count from Monday, 0. The window opens on `dates`, but not on
    `except_dates`.
    """

    name: str
    priority: int
    opens: int
    closes: int
    weekdays: frozenset[int]
    dates: frozenset[date]
    except_dates: frozenset[date]

    @classmethod
    def of(cls, window: Window) -> "WindowHours":
        """Return the hours of `window`."""
        opens, closes = _minutes(window.start), _minutes(window.end)
        every_day = not window.days and not window.dates
        return cls(
            name=window.name,
            priority=window.priority,
            opens=opens,
            closes=closes if closes > opens else closes + _MINUTES_PER_DAY,
            weekdays=_EVERY_DAY if every_day else frozenset(_WEEKDAY_NUMBER[day] for day in window.days),
            dates=frozenset(window.dates),
            except_dates=frozenset(window.except_dates),
        )

    def opens_on(self, day: date) -> bool:
        """Return whether the window opens on `day`."""
        return (day.weekday() in self.weekdays or day in self.dates) and day not in self.except_dates

    def unlike_their_week(self) -> Iterator[date]:
        """Yield the listed days on which the window opens although it does not weekly, or the other way round."""
        for day in self.dates | self.except_dates:
            if self.opens_on(day) is not (day.weekday() in self.weekdays):
                yield day

    def is_open(self, local: datetime) -> bool:
        """Return whether the window is open at the naive time `local`."""
        minute = local.hour * 60 + local.minute
        if self.opens <= minute < self.closes and self.opens_on(local.date()):
            return True
        return minute + _MINUTES_PER_DAY < self.closes and self.opens_on(local.date() - _DAY)

    def boundaries(self, day: date) -> Iterator[datetime]:
        """Yield the naive times on `day` at which the window opens or closes, in no particular order."""
        for opening_day, first, beyond in (
            (day, 0, _MINUTES_PER_DAY),
            (day - _DAY, _MINUTES_PER_DAY, 2 * _MINUTES_PER_DAY),
        ):
            if not self.opens_on(opening_day):
                continue
            midnight = datetime.combine(opening_day, time.min)
            for minute in (self.opens, self.closes):
                if first <= minute < beyond:
                    yield midnight + timedelta(minutes=minute)


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)
