"""The samples of the last minute, by service and pod.

Samples may be taken more often than once per tick. The newest always counts, but older ones are kept `SPACING_SECONDS`
apart, so that memory and the time of a decision do not grow with the number of polls.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from embedding_operator.domain.load.engine_load import WINDOW_SECONDS

SPACING_SECONDS = 2.5


class PodSample(Protocol):
    """A sample of one pod at one instant."""

    @property
    def pod_uid(self) -> str:
        """Return the UID of the pod."""

    @property
    def taken_at(self) -> datetime:
        """Return the instant."""


Service = TypeVar("Service", bound=Hashable)
Sample = TypeVar("Sample", bound=PodSample)


class History(Generic[Service, Sample]):
    """Keeps the samples of `window` seconds. A pod that is gone is forgotten when its last sample expires."""

    def __init__(self, *, window: float = WINDOW_SECONDS) -> None:
        self._window = timedelta(seconds=window)
        self._series: dict[Service, dict[str, deque[Sample]]] = {}

    def record(self, service: Service, samples: Iterable[Sample], *, now: datetime) -> None:
        """Add samples of the pods of `service`, and drop those outside the window.

        A sample that is not newer than the last one of its pod is left out: answers may arrive late.
        """
        pods = self._series.setdefault(service, {})
        for sample in samples:
            known = pods.setdefault(sample.pod_uid, deque())
            if known and sample.taken_at <= known[-1].taken_at:
                continue
            if _is_dense(known):
                known.pop()
            known.append(sample)
        self._series[service] = {uid: kept for uid, known in pods.items() if (kept := self._recent(known, now=now))}

    def series(self, service: Service) -> Mapping[str, tuple[Sample, ...]]:
        """Return the samples of `service` by pod UID, oldest first."""
        return {uid: tuple(samples) for uid, samples in self._series.get(service, {}).items()}

    def forget(self, service: Service) -> None:
        """Drop a service that is gone."""
        self._series.pop(service, None)

    def _recent(self, samples: deque[Sample], *, now: datetime) -> deque[Sample]:
        while samples and samples[0].taken_at < now - self._window:
            samples.popleft()
        return samples


def _is_dense(samples: Sequence[PodSample]) -> bool:
    """Return whether the newest sample is too close to the one before it to be kept once a newer one arrives."""
    return len(samples) > 1 and samples[-1].taken_at - samples[-2].taken_at < timedelta(seconds=SPACING_SECONDS)
