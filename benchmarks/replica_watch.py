"""When the Deployments of a namespace asked for other replicas than before, as a watch on the API server tells it."""

import subprocess
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

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

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["kubectl", "get", "deployments", f"--namespace={self._namespace}", "--watch", f"--output={REPLICAS}"],
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
        """Wait for the first change after `since` to more than `replicas`; raise `TimeoutError` after `seconds`."""

        def found() -> Change | None:
            later = (change for change in self._changes[deployment] if change.at >= since)
            return next((change for change in later if change.replicas > replicas), None)

        with self._changed:
            change = self._changed.wait_for(found, timeout=seconds)
        if change is None:
            message = f"{deployment} does not ask for more than {replicas} replicas after {seconds:.0f} s"
            raise TimeoutError(message)
        return change

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            at = time.monotonic()
            name, _, replicas = line.partition(" ")
            with self._changed:
                changes = self._changes[name]
                if not changes or changes[-1].replicas != int(replicas):
                    changes.append(Change(at=at, replicas=int(replicas)))
                    self._changed.notify_all()
