"""Every state of the pods of a namespace, in order, for invariants that must hold at every instant."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from embedding_operator.kube.metadata import MANAGED_SELECTOR
from embedding_operator.rendering.names import GPU_POOL

from testbed.harness.conditions import condition_of


class PodWatch:
    """Watches from its start to its end; `ready_counts` may be read afterwards or in between."""

    def __init__(self, namespace: str, *, events: Path) -> None:
        self._namespace = namespace
        self._events = events
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        selector = f"--selector={MANAGED_SELECTOR}"
        with self._events.open("wb") as output:
            self._process = subprocess.Popen(
                ["kubectl", "get", "pods", "-n", self._namespace, selector, "-o=json", "-w", "--output-watch-events"],
                stdin=subprocess.DEVNULL,
                stdout=output,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ready_counts(self) -> list[Counter[str]]:
        """Return the number of ready, not terminating pods by pool, after every event."""
        ready: dict[str, str] = {}
        counts = []
        for event in self._parsed():
            pod = event["object"]
            uid = pod["metadata"]["uid"]
            if event["type"] != "DELETED" and _is_serving(pod):
                ready[uid] = pod["metadata"]["labels"][GPU_POOL]
            else:
                ready.pop(uid, None)
            counts.append(Counter(ready.values()))
        return counts

    def lowest_since(self, ready: int) -> int:
        """Return the minimum number of Ready pods since `ready` of them were Ready for the first time."""
        totals = [count.total() for count in self.ready_counts()]
        return min(totals[totals.index(ready) :])

    def _parsed(self) -> Iterator[dict[str, Any]]:
        decoder, text, position = json.JSONDecoder(), self._events.read_text(), 0
        while position < len(text):
            try:
                event, position = decoder.raw_decode(text, position)
            except ValueError:
                # the last event is still being written
                return
            yield event
            while text[position : position + 1].isspace():
                position += 1


def _is_serving(pod: dict[str, Any]) -> bool:
    return condition_of(pod["status"], "Ready")[0] == "True" and "deletionTimestamp" not in pod["metadata"]
