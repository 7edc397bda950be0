"""Programs in pods next to the services: load, requests of the OpenAI client, and faults injected into fake engines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testbed.installation import Installation

CLIENT_LABEL = "embedding-operator.io/e2e-client"
START_SECONDS = 60.0
END_SECONDS = 90.0
POLL_SECONDS = 0.5

EMBED = """
import json, sys
from openai import OpenAI
answer = OpenAI(base_url=sys.argv[1] + "/v1", api_key="none").embeddings.create(model=sys.argv[2], input=sys.argv[3:])
print(json.dumps([entry.embedding for entry in answer.data]))
"""

POST = """
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen
request = Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
try:
    status = urlopen(request, timeout=60).status
except HTTPError as error:
    status = error.code
except OSError:
    status = 0
print(status)
"""

SET_FAULTS = """
import json, sys
from urllib.request import Request, urlopen
faults, *engines = sys.argv[1:]
body = json.dumps({"addresses": {"*": faults.split()}}).encode()
for engine in engines:
    urlopen(Request(f"http://{engine}:30000/fault", body, {"Content-Type": "application/json"}), timeout=10).read()
"""


@dataclass(frozen=True, slots=True)
class Load:
    """A load client that runs in a pod."""

    installation: Installation
    namespace: str
    name: str

    def stop(self) -> dict[str, Any]:
        """End the load early and return its summary."""
        # The program ends its run on SIGTERM; its container stays, so that its output can be read.
        command = ("exec", self.name, "--", "python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")
        self.installation.cluster.kubectl(*self._place(), *command)
        return self.summary(within_seconds=END_SECONDS)

    def summary(self, *, within_seconds: float) -> dict[str, Any]:
        """Return counts, failures and latencies once the client has ended; fail if it does not end in time."""
        deadline = time.monotonic() + within_seconds
        while True:
            line = self._last_line()
            if "summary" in line:
                return dict(line["summary"])
            if time.monotonic() > deadline:
                message = f"the load client {self.name} does not end; its last line: {line}"
                raise AssertionError(message)
            time.sleep(POLL_SECONDS)

    def wait_for_answers(self) -> None:
        """Return once the first request has been answered."""
        deadline = time.monotonic() + START_SECONDS
        while not self._counts().get("ok"):
            if time.monotonic() > deadline:
                message = f"the load client {self.name} gets no answers"
                raise AssertionError(message)
            time.sleep(POLL_SECONDS)

    def _counts(self) -> dict[str, Any]:
        line = self._last_line()
        return dict(line.get("summary", line))

    def _last_line(self) -> dict[str, Any]:
        printed = self.installation.cluster.kubectl(*self._place(), "logs", self.name, "--tail=1")
        return dict(json.loads(printed)) if printed.strip() else {}

    def _place(self) -> tuple[str]:
        return (f"--namespace={self.namespace}",)


@dataclass(frozen=True, slots=True)
class Clients:
    """Runs programs in pods of a namespace."""

    installation: Installation
    namespace: str

    @contextmanager
    def load(self, name: str, *, url: str, options: Sequence[str]) -> Iterator[Load]:
        """Run a load client with options of `python -m testbed.load`, from its first answer to the end of the block."""
        with self._answered(name, program="load", options=("--url", url, *options)) as load:
            yield load

    @contextmanager
    def kept(self, name: str, *, url: str, options: Sequence[str]) -> Iterator[Load]:
        """Run a client with options of `python -m testbed.load.kept`, from its first answer to the end of the block."""
        with self._answered(name, program="load.kept", options=("--url", url, *options)) as load:
            yield load

    @contextmanager
    def _answered(self, name: str, *, program: str, options: Sequence[str]) -> Iterator[Load]:
        self._start(name, command=["python", "-m", program, *options])
        try:
            self._wait(name, until="--for=condition=Ready")
            load = Load(self.installation, self.namespace, name)
            load.wait_for_answers()
            yield load
        finally:
            self._delete(name)

    def embeddings(self, *, url: str, model: str, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors that the OpenAI client gets for texts."""
        printed = self._run("openai", code=EMBED, arguments=[url, model, *texts])
        return [[float(value) for value in vector] for vector in json.loads(printed)]

    def post(self, url: str, *, body: str) -> int:
        """Return the HTTP status of the response to one request; 0 if there is none."""
        return int(self._run("post", code=POST, arguments=[url, body]))

    def set_faults(self, *names: str, engines: Iterable[str]) -> None:
        """Replace the faults of the fake engines at these addresses; without names, clear them."""
        self._run("faults", code=SET_FAULTS, arguments=[" ".join(names), *engines])

    def _run(self, name: str, *, code: str, arguments: Sequence[str]) -> str:
        self._start(name, command=["python", "-c", code, *arguments])
        try:
            phase = self._wait_for_end(name)
            printed = self.installation.cluster.kubectl("logs", f"--namespace={self.namespace}", name)
            assert phase == "Succeeded", printed
            return printed
        finally:
            self._delete(name)

    def _start(self, name: str, *, command: Sequence[str]) -> None:
        container = {
            "name": "client",
            "image": self.installation.toolbox_image,
            "imagePullPolicy": "Never",
            "command": list(command),
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
        }
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": {CLIENT_LABEL: name}},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 1,
                "containers": [container],
            },
        }
        self.installation.apply(pod, namespace=self.namespace)

    def _wait_for_end(self, name: str) -> str:
        deadline = time.monotonic() + END_SECONDS
        while True:
            (pod,) = self.installation.objects("pod", name, f"--namespace={self.namespace}")
            phase = str(pod["status"].get("phase"))
            if phase in {"Succeeded", "Failed"} or time.monotonic() > deadline:
                return phase
            time.sleep(POLL_SECONDS)

    def _wait(self, name: str, *, until: str) -> None:
        limit, place = f"--timeout={END_SECONDS:.0f}s", f"--namespace={self.namespace}"
        self.installation.cluster.kubectl("wait", place, until, limit, f"pod/{name}", timeout_seconds=END_SECONDS + 10)

    def _delete(self, name: str) -> None:
        place = f"--namespace={self.namespace}"
        force = ("--ignore-not-found", "--force", "--grace-period=0")
        self.installation.cluster.kubectl("delete", "pod", name, place, *force)
