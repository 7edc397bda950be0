"""The operator as a separate process, with the credentials that its manifests give it."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from testbed.engine.process import free_port
from testbed.waiting import eventually

PROGRAM = Path(sys.executable).with_name("embedding-operator")
START_SECONDS = 60
TAIL_BYTES = 6000
POLL_SECONDS = 1.0
"""A fifth of the operator's default, to keep tests short."""


class OperatorProcess:
    """One operator; when restarted, it is a new process with the same identity, like a restarted container."""

    def __init__(
        self, *, name: str, namespace: str, kubeconfig: Path, log: Path, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self.name = name
        self._poll_seconds = poll_seconds
        self._namespace = namespace
        self._kubeconfig = kubeconfig
        self._log = log
        self._health_port = free_port()
        self._metrics_port = free_port()
        self._poke_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._start_of_log = 0

    def start(self) -> None:
        """Start the process; it leads as soon as it acquires the Lease."""
        self._start_of_log = self._log.stat().st_size if self._log.exists() else 0
        settings = {
            "NAMESPACE": self._namespace,
            "POD_NAME": self.name,
            "POLL_SECONDS": str(self._poll_seconds),
            "HEALTH_PORT": str(self._health_port),
            "METRICS_PORT": str(self._metrics_port),
            "POKE_PORT": str(self._poke_port),
        }
        variables = {f"EMBEDDING_OPERATOR_{key}": value for key, value in settings.items()}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(PROGRAM)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **variables, "KUBECONFIG": str(self._kubeconfig)},
            )

    def start_and_lead(self) -> None:
        """Start the process and return once it leads."""
        self.start()
        self.wait_until_leading()

    def wait_until_leading(self) -> None:
        """Return once the process holds the Lease and works."""
        eventually(f"{self.name} leads", self._leads_or_fails, seconds=START_SECONDS)

    def leads(self) -> bool:
        """Return whether this process has logged that it leads."""
        return '"leading"' in self.output()

    @property
    def pid(self) -> int:
        """Process ID."""
        assert self._process is not None
        return self._process.pid

    def is_running(self) -> bool:
        """Return whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def output(self) -> str:
        """Return what this process has logged since its start."""
        with self._log.open("rb") as log:
            log.seek(self._start_of_log)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill the process without warning, as the kernel does when memory runs out."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> None:
        """Send SIGTERM, as Kubernetes does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, *, seconds: float) -> int:
        """Return the exit status; `subprocess.TimeoutExpired` if the process does not end in time."""
        assert self._process is not None
        return self._process.wait(seconds)

    def health_status(self) -> int:
        """Return the HTTP status of the liveness probe; 0 while nothing listens."""
        return _get(f"http://127.0.0.1:{self._health_port}/healthz")[0]

    def metrics_page(self) -> str:
        """Return the page that Prometheus scrapes."""
        return _get(f"http://127.0.0.1:{self._metrics_port}/metrics")[1]

    def _leads_or_fails(self) -> bool:
        assert self.is_running(), f"{self.name} ended:\n{self.output()[-TAIL_BYTES:]}"
        return self.leads()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - a fixed http address of loopback
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
