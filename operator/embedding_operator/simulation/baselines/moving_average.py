from collections import deque


class MovingAverage:
    """The mean of the samples of the last `seconds`. Integers keep it exact however long it runs."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._samples: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, sample: int, *, now: float) -> None:
        """Add the sample of `now` and forget those that are too old."""
        self._samples.append((now, sample))
        self._sum += sample
        while self._samples[0][0] <= now - self._seconds:
            self._sum -= self._samples.popleft()[1]

    @property
    def mean(self) -> float:
        """Return the mean, of at least one sample."""
        return self._sum / len(self._samples)
