class Metronome:
    """An event every `period` seconds, first at `first`, detected at the first call after it."""

    def __init__(self, period: float, *, first: float = 0.0) -> None:
        self._period = period
        self._next = first

    def is_due(self, now: float) -> bool:
        """Return whether the event is due; if so, wait for the next one."""
        if now < self._next:
            return False
        missed = (now - self._next) // self._period
        self._next += (missed + 1) * self._period
        return True
