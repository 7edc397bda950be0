"""An engine as a process of a test: on loopback, with a log, and always stopped at the end."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
FIRST_PORT, LANES, PORTS_PER_LANE = 16384, 16, 1000
READY_SECONDS = 600.0
GRACE_SECONDS = 30.0
POLL_SECONDS = 0.1
PROBE_SECONDS = 5.0
TAIL_BYTES = 4000

_taken = count()


class EngineError(Exception):
    """An engine did not become ready, or did not end; the message contains the end of its log."""


class EngineProcess:
    """A program that serves as an engine on `port`; as a context manager, it is stopped at the end."""

    def __init__(
        self, argv: Sequence[str], *, port: int, log: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self.port = port
        self.log = log
        self._argv = argv
        self._variables = variables or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the HTTP server, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the program in its own session."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._variables},
                start_new_session=True,
            )

    def wait_until_ready(self, *, timeout_seconds: float = READY_SECONDS) -> None:
        """Return once `/ready` is 200; raise `EngineError` if the program ends first or takes too long."""
        deadline = time.monotonic() + timeout_seconds
        while not self.is_ready():
            if self._started().poll() is not None:
                raise EngineError(self._complaint("ended before it was ready"))
            if time.monotonic() > deadline:
                raise EngineError(self._complaint(f"was not ready after {timeout_seconds:.0f} s"))
            time.sleep(POLL_SECONDS)

    def is_ready(self) -> bool:
        """Return whether `/ready` is 200 now."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def terminate(self) -> None:
        """Send SIGTERM to the main process alone, as Kubernetes does."""
        self._started().send_signal(signal.SIGTERM)

    def wait(self, *, timeout_seconds: float) -> int:
        """Return the exit status, negative if killed by a signal; raise `EngineError` if it does not end in time."""
        try:
            return self._started().wait(timeout_seconds)
        except subprocess.TimeoutExpired as late:
            raise EngineError(self._complaint(f"did not end within {timeout_seconds:.0f} s")) from late

    def stop(self) -> None:
        """Stop the program and all its children, by force if necessary."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            message = "the engine was not started"
            raise EngineError(message)
        return self._process

    def _complaint(self, what: str) -> str:
        tail = self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
        return f"the engine {what}; the end of {self.log}:\n{tail}"


class FakeEngine(EngineProcess):
    """The fake engine with SGLang's options `options` and the behaviour in `variables` (FAKE_ENGINE_…)."""

    def __init__(self, *, log: Path, options: Sequence[str] = (), variables: Mapping[str, str] | None = None) -> None:
        port = free_port()
        argv = [sys.executable, "-m", "testbed.engine.fake", "--host", LOOPBACK, "--port", str(port), *options]
        super().__init__(argv, port=port, log=log, variables=variables)


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on, and that this test run returns only once.

    It is below the range from which the kernel takes the ports of clients, so that no connection gets it meanwhile.
    Test processes that run in parallel take theirs from lanes of their own.
    """
    lane = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % LANES
    for _ in range(PORTS_PER_LANE):
        port = FIRST_PORT + lane + LANES * ((os.getpid() + next(_taken)) % PORTS_PER_LANE)
        with socket.socket() as listener:
            try:
                listener.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    message = f"every port from {FIRST_PORT} to {FIRST_PORT + LANES * PORTS_PER_LANE} is taken"
    raise OSError(message)
