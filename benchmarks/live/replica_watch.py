"""Tracks changes of the replicas of Deployments in a namespace, with a watch on the API server."""

import time
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.live.kubectl_watch import KubectlWatch

REPLICAS = r'jsonpath={.metadata.name} {.spec.replicas}{"\n"}'


@dataclass(frozen=True, slots=True)
class Change:
    """A Deployment has had `replicas` desired since `at`, in seconds of the monotonic clock."""

    at: float
    replicas: int


class ReplicaWatch(KubectlWatch):
    """Watches while its context is open."""

    def __init__(self, namespace: str) -> None:
        super().__init__("deployments", f"--namespace={namespace}", output=REPLICAS)
        self._namespace = namespace
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)

    def replicas(self, deployment: str) -> int:
        """Return the desired replicas of a Deployment; -1 if it was never seen."""
        with self.changed:
            changes = self._changes[deployment]
            return changes[-1].replicas if changes else -1

    def changes(self, deployment: str) -> list[Change]:
        """Return every change of a Deployment; the first is its first observed value."""
        with self.changed:
            return list(self._changes[deployment])

    def first_above(self, replicas: int, *, deployment: str, since: float, seconds: float) -> Change:
        """Wait for the first change after `since` to more than `replicas`.

        Raise `TimeoutError` after `seconds`, or `ConnectionError` if the watch ends earlier.
        """

        def found() -> Change | None:
            later = (change for change in self._changes[deployment] if change.at >= since)
            return next((change for change in later if change.replicas > replicas), None)

        with self.changed:
            self.changed.wait_for(lambda: self.has_ended or found() is not None, timeout=seconds)
            change = found()
        if change is not None:
            return change
        if self.has_ended:
            message = f"the watch of the Deployments in {self._namespace} ended"
            raise ConnectionError(message)
        message = f"{deployment} still has no more than {replicas} desired replicas after {seconds:.0f} s"
        raise TimeoutError(message)

    def take_in(self, line: str) -> None:
        """Process the name of a Deployment and its desired replicas."""
        at = time.monotonic()
        name, _, replicas = line.partition(" ")
        with self.changed:
            changes = self._changes[name]
            if not changes or changes[-1].replicas != int(replicas):
                changes.append(Change(at=at, replicas=int(replicas)))
                self.changed.notify_all()
