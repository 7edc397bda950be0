"""When the Deployments of a namespace asked for other replicas than before, as a watch on the API server tells it."""

import subprocess
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

GET = ("kubectl", "get", "deployments", "--watch", "--chunk-size=0")
REPLICAS = r'jsonpath={.metadata.name} {.spec.replicas}{"\n"}'


@dataclass(frozen=True, slots=True)
class Change:
    """A Deployment asks for `replicas` since `at`, in seconds of the monotonic clock."""

    at: float
    replicas: int


class ReplicaWatch:
    """Watches from its begin to its end."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._ended = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            # in one piece: a list of more than 500 that comes in chunks is printed as an object of its own
            [*GET, f"--namespace={self._namespace}", f"--output={REPLICAS}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, args=(self._process,), name="replica watch", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def replicas(self, deployment: str) -> int:
        """Return what a Deployment asks for; -1 for one that was never seen."""
        with self._changed:
            changes = self._changes[deployment]
            return changes[-1].replicas if changes else -1

    def first_above(self, replicas: int, *, deployment: str, since: float, seconds: float) -> Change:
        """Wait for the first change after `since` to more than `replicas`.

        Raise `TimeoutError` after `seconds`, `ConnectionError` if the watch ends before.
        """

        def found() -> Change | None:
            later = (change for change in self._changes[deployment] if change.at >= since)
            return next((change for change in later if change.replicas > replicas), None)

        with self._changed:
            self._changed.wait_for(lambda: self._ended or found() is not None, timeout=seconds)
            change = found()
        if change is not None:
            return change
        if self._ended:
            message = f"the watch of the Deployments in {self._namespace} ended"
            raise ConnectionError(message)
        message = f"{deployment} does not ask for more than {replicas} replicas after {seconds:.0f} s"
        raise TimeoutError(message)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                self._take_in(line, at=time.monotonic())
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _take_in(self, line: str, *, at: float) -> None:
        name, _, replicas = line.partition(" ")
        with self._changed:
            changes = self._changes[name]
            if not changes or changes[-1].replicas != int(replicas):
                changes.append(Change(at=at, replicas=int(replicas)))
                self._changed.notify_all()
