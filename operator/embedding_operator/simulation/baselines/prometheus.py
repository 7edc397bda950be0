"""What Prometheus knows about the service: it scrapes, and answers queries with the latest scrape."""

from collections import deque
from collections.abc import Callable

from embedding_operator.simulation.baselines.metronome import Metronome
from embedding_operator.simulation.policy import View

SCRAPE_SECONDS = 15.0
"""A common and short `scrape_interval`: the default of Prometheus is 1 min, that of kube-prometheus 30 s."""

RATE_WINDOW_SECONDS = 60.0
"""`rate(…[1m])`: four scrapes, the shortest window that tolerates a lost one."""

MIN_RATE_SAMPLES = 2
"""`rate()` returns nothing with fewer."""

HALF_A_SCRAPE = SCRAPE_SECONDS / 2
"""Metrics are read at a random phase of the scrapes: samples are this old on average, and here always."""


class Prometheus:
    """The samples of the last minute."""

    def __init__(self) -> None:
        self._scrape = Metronome(SCRAPE_SECONDS)
        self._samples: deque[View] = deque()

    def observe(self, view: View) -> None:
        """Scrape if it is time; call this at every decision."""
        if not self._scrape.is_due(view.now):
            return
        self._samples.append(view)
        while self._samples[0].now < view.now - RATE_WINDOW_SECONDS:
            self._samples.popleft()

    def gauge(self, read: Callable[[View], float]) -> float | None:
        """Return the latest sample of a gauge, or None before the first scrape."""
        return read(self._samples[-1]) if self._samples else None

    def rate(self, read: Callable[[View], float], *, now: float) -> float | None:
        """Return a counter's increase per second over the last minute, or None with fewer than two samples in it.

        `rate()` stretches the slope between the outer samples to the whole window and divides by the window. With
        scrapes that come on time both cancel out, and the slope is left.
        """
        samples = [sample for sample in self._samples if sample.now > now - RATE_WINDOW_SECONDS]
        if len(samples) < MIN_RATE_SAMPLES:
            return None
        return (read(samples[-1]) - read(samples[0])) / (samples[-1].now - samples[0].now)
