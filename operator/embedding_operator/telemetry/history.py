"""The samples of the last minute, by service and pod."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from embedding_operator.domain.metrics import WINDOW_SECONDS, EngineSample, Series

Service = TypeVar("Service", bound=Hashable)


class History(Generic[Service]):
    """Keeps the samples of `window` seconds. A pod that left is forgotten when its last sample is older than that."""

    def __init__(self, *, window: float = WINDOW_SECONDS) -> None:
        self._window = timedelta(seconds=window)
        self._series: dict[Service, dict[str, deque[EngineSample]]] = {}

    def record(self, service: Service, samples: Iterable[EngineSample], *, now: datetime) -> None:
        """Add samples of the pods of `service`, and drop what is out of the window.

        A sample that is not newer than the last one of its pod is left out: answers may come late.
        """
        pods = self._series.setdefault(service, {})
        for sample in samples:
            known = pods.setdefault(sample.pod_uid, deque())
            if not known or sample.taken_at > known[-1].taken_at:
                known.append(sample)
        self._series[service] = {uid: kept for uid, known in pods.items() if (kept := self._recent(known, now=now))}

    def series(self, service: Service) -> Mapping[str, Series]:
        """Return the samples of `service` by pod UID, oldest first."""
        return {uid: tuple(samples) for uid, samples in self._series.get(service, {}).items()}

    def forget(self, service: Service) -> None:
        """Drop a service that is gone."""
        self._series.pop(service, None)

    def _recent(self, samples: deque[EngineSample], *, now: datetime) -> deque[EngineSample]:
        while samples and samples[0].taken_at < now - self._window:
            samples.popleft()
        return samples
