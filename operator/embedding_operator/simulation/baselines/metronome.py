class Metronome:
    """Something that happens every `period` seconds, the first time at `first`, noticed at the first look after it."""

    def __init__(self, period: float, *, first: float = 0.0) -> None:
        self._period = period
        self._next = first

    def is_due(self, now: float) -> bool:
        """Return whether it happens at this look, and wait for the next time if so."""
        if now < self._next:
            return False
        missed = (now - self._next) // self._period
        self._next += (missed + 1) * self._period
        return True
