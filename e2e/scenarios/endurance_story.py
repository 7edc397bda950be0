"""Everything that happens to pods, one after the other, under constant load over kept and new connections.

Replicas go from one to six, a gateway pod is deleted, a node is drained, an engine gets SIGKILL, replicas go to two,
and a window moves them from A10 to T4. A third client keeps a few connections open all that time and records when each
engine first answered on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from e2e.scenarios.clients import Clients
from e2e.scenarios.gateways import delete_a_gateway_pod, drain_nodes
from e2e.scenarios.watching import Watched, sample
from e2e.scenarios.window_story import next_minute
from testbed.cluster.errors import ClusterError

LEAST, MOST, FEW = 1, 6, 2
LOAD = ("--rate=3", "--arrivals=constant", "--tokens=32", "--duration=1800")
"""100 tokens per second from each of two clients: together half of what two replicas compute."""
NEW_CONNECTIONS, KEPT_CONNECTIONS, FIRST_ANSWERS = "new-connections", "kept-connections", "first-answers"
KEPT = ("--connections=8", "--pause=0.5", "--duration=1800")
T4_NODES = "nvidia.com/gpu.product=Tesla-T4"

READY_SECONDS = 60.0
CHANGE_SECONDS = 120.0
WINDOW_SECONDS = 200.0
CLOCK_SECONDS = 1.0
"""How far the time of a command may be from the time at which it takes effect."""

# The engine is not the first process of its container, so this signal reaches it.
SIGKILL = """
import os, pathlib
for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
    if command.read_bytes().split(b"\\0")[1:3] == [b"-m", b"sglang.launch_server"]:
        os.kill(int(command.parent.name), 9)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endured:
    """Outcome of the requests: the summary of each client, and when an engine was killed (seconds since the epoch).

    `events` are the seconds from the start at which each event began.
    """

    seconds: float
    events: Mapping[str, float]
    summaries: Mapping[str, Mapping[str, Any]]
    killed_from: float
    killed_until: float

    @property
    def first_answers(self) -> Sequence[Mapping[str, Any]]:
        """Engine, time of its first answer and time of opening, by connection."""
        answers: Sequence[Mapping[str, Any]] = self.summaries[FIRST_ANSWERS]["first_answers"]
        return answers

    def failures(self) -> list[dict[str, Any]]:
        """Return all failed requests, each with its client's name."""
        return [
            {"client": name, **failure} for name, summary in self.summaries.items() for failure in summary["failures"]
        ]

    def was_computed_by_the_killed(self, failure: Mapping[str, Any]) -> bool:
        """Return whether a failed request was in progress when the engine was killed, and ended then."""
        ended_at = failure["sent_at"] + failure["seconds"]
        return bool(failure["sent_at"] <= self.killed_until and self.killed_from <= ended_at <= self.killed_until)


@dataclass(frozen=True, slots=True)
class Killing:
    """When an engine was killed: earliest and latest time, in seconds since the epoch."""

    began_at: float
    ended_at: float


def endure(service: Watched, *, clients: Clients, seconds: float = 0.0) -> Endured:
    """Run the story; its events are spread over `seconds`, or follow each other directly."""
    apply(service, least=LEAST)
    service.wait_for_condition("Ready", "True", seconds=READY_SECONDS)
    killings: list[Killing] = []
    steps: Mapping[str, Callable[[], object]] = {
        "one to six replicas": lambda: _six_replicas(service),
        "a gateway pod is deleted": lambda: delete_a_gateway_pod(service),
        "a node is drained": lambda: drain_nodes(service, nodes=T4_NODES),
        "an engine gets SIGKILL": lambda: killings.append(_kill_an_engine(service)),
        "six to two replicas": lambda: _two_replicas(service),
        "a window opens": lambda: _night(service),
    }
    events: dict[str, float] = {}
    with (
        clients.kept(FIRST_ANSWERS, url=service.url, options=KEPT) as first,
        clients.load(KEPT_CONNECTIONS, url=service.url, options=LOAD) as kept,
        clients.load(NEW_CONNECTIONS, url=service.url, options=(*LOAD, "--new-connections")) as new,
    ):
        began = time.monotonic()
        for number, (event, happens) in enumerate(steps.items(), start=1):
            events[event] = time.monotonic() - began
            happens()
            time.sleep(max(0.0, began + seconds * number / len(steps) - time.monotonic()))
        taken = time.monotonic() - began
        summaries = {load.name: load.stop() for load in (first, kept, new)}
    (killing,) = killings
    return Endured(
        seconds=taken,
        events=events,
        summaries=summaries,
        killed_from=killing.began_at,
        killed_until=killing.ended_at + CLOCK_SECONDS,
    )


def apply(service: Watched, *, least: int, has_gateway: bool = True, opens: datetime | None = None) -> None:
    """Apply the sample with this many replicas and, if given, a window that is open for an hour."""
    document = sample("day-night")
    spec: dict[str, Any] = document["spec"]
    spec["gateway"] = {"enabled": has_gateway}
    spec["pools"][0].update(minReplicas=least, maxReplicas=MOST)
    if opens is None:
        del spec["schedule"]
    else:
        spec["schedule"]["windows"][0].update(start=f"{opens:%H:%M}", end=f"{opens + timedelta(hours=1):%H:%M}")
    service.installation.apply(document, namespace=service.namespace)


def _six_replicas(service: Watched) -> None:
    apply(service, least=MOST)
    service.wait_for(lambda sight: sight.serving() == MOST, seconds=CHANGE_SECONDS, purpose="six replicas")


def _two_replicas(service: Watched) -> None:
    apply(service, least=FEW)
    service.wait_for(lambda sight: len(sight.pods) == FEW, seconds=CHANGE_SECONDS, purpose="two replicas")


def _night(service: Watched) -> None:
    apply(service, least=FEW, opens=next_minute(datetime.now(UTC)))
    service.wait_for(
        lambda sight: len(sight.pods) == sight.serving("t4") == FEW, seconds=WINDOW_SECONDS, purpose="the move to T4"
    )


def _kill_an_engine(service: Watched) -> Killing:
    engine, before = service.sight().pods[0], service.restarts()
    target = (f"--namespace={service.namespace}", engine.name, "--container=engine")
    began_at = time.time()
    # The shell in the container ends with the engine, sometimes before it can report success.
    with suppress(ClusterError):
        service.installation.cluster.kubectl("exec", *target, "--", "python3", "-c", SIGKILL)
    killing = Killing(began_at, time.time())
    service.wait_for(lambda _: service.restarts() > before, seconds=CHANGE_SECONDS, purpose="an engine starts again")
    service.wait_for(lambda sight: sight.serving() == MOST, seconds=CHANGE_SECONDS, purpose="six replicas again")
    return killing
