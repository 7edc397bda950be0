"""One process that serves as the engine of every KWOK pod, each at the pod's own address."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType

from embedding_operator.rendering.names import PORT

from testbed.waiting import eventually

EVERY_ADDRESS = "*"
SCRIPTED = "--scripted"
EMPTY: Mapping[str, str] = MappingProxyType({})


class EngineFleet:
    """Controls what the engines report: all engines at once, unless addresses are given."""

    def report(self, **figures: float) -> None:
        """Have every engine report these metrics, and 0 for all others."""
        _post("/script", {"addresses": {EVERY_ADDRESS: figures}})

    def report_at(self, figures: Mapping[str, Mapping[str, float]]) -> None:
        """Have the engines at these addresses report these metrics, all from the same instant on."""
        _post("/script", {"addresses": figures})

    def fail(self, faults: Sequence[str] = ()) -> None:
        """Set the faults of every engine; without faults, all engines work again."""
        _post("/fault", {"addresses": {EVERY_ADDRESS: list(faults)}})

    def reset(self) -> None:
        """Make every engine idle and healthy."""
        self.fail()
        self.report()


@contextmanager
def running_fleet(
    log: Path, *, options: Sequence[str] = (SCRIPTED,), environment: Mapping[str, str] = EMPTY
) -> Iterator[EngineFleet]:
    """Serve as every engine of the cluster until the end of the context.

    Engines report what they are told; with other `options`, what they compute, at the speed set in `environment`.
    """
    shared = ["--host=0.0.0.0", f"--port={PORT}", "--per-address", "--enable-metrics"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "testbed.engine.fake", "--model-path=integration", *shared, *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "FAKE_ENGINE_DRAIN_POLL_SECONDS": "0.1", **environment},
        )
    try:
        eventually("the fleet of engines is ready", lambda: _is_ready(process, log))
        yield EngineFleet()
    finally:
        process.kill()
        process.wait()


def _is_ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return _exchange("GET", "/ready") == HTTPStatus.OK
    except OSError:
        return False


def _post(path: str, document: object) -> None:
    status = _exchange("POST", path, body=json.dumps(document))
    assert status == HTTPStatus.OK, f"POST {path} {document}: {status}"


def _exchange(method: str, path: str, *, body: str | None = None) -> int:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        connection.request(method, path, body)
        return connection.getresponse().status
    finally:
        connection.close()
