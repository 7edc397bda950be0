"""Tracks when the engine pods of a namespace appear and become Ready, with a watch on the API server."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.live.kubectl_watch import KubectlWatch
from e2e.scenarios.watching import POOL_LABEL

READINESS = r'jsonpath={.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}'


@dataclass(frozen=True, slots=True)
class Start:
    """A pod that first appeared at `created_at` and was first Ready at `ready_at`, in seconds since the epoch."""

    pod: str
    created_at: float
    ready_at: float

    @property
    def seconds(self) -> float:
        """Return the seconds between the two."""
        return self.ready_at - self.created_at


class PodWatch(KubectlWatch):
    """Watches while its context is open. Only engine pods have `POOL_LABEL`."""

    def __init__(self, namespace: str, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__("pods", f"--namespace={namespace}", f"--selector={POOL_LABEL}", output=READINESS)
        self._clock = clock
        self._created: dict[str, float] = {}
        self._starts: dict[str, Start] = {}

    def starts(self) -> list[Start]:
        """Return all pods that have been Ready, in the order in which they became Ready."""
        with self.changed:
            return list(self._starts.values())

    def take_in(self, line: str) -> None:
        """Process the name of a pod and the status of its readiness, which may be missing at first."""
        at = self._clock()
        name, _, readiness = line.strip().partition(" ")
        with self.changed:
            created_at = self._created.setdefault(name, at)
            if readiness == "True" and name not in self._starts:
                self._starts[name] = Start(name, created_at, at)
                self.changed.notify_all()
