"""Whether a pod that is not Ready will become Ready by waiting, and what prevents it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.capacity.startup_time import overdue_after
from embedding_operator.kube.metadata import instant

CRASHES = 2

_IMAGE_PULL_FAILURES = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
)
_STARTING = frozenset({"ContainerCreating", "PodInitializing"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """Why a pod does not become Ready; `message` is what Kubernetes says about it."""

    reason: Reason
    message: str


def stuck(pod: Mapping[str, Any], *, now: datetime, startup_seconds: float) -> Stuck | None:
    """Return what keeps a pod from becoming Ready, or None if it is Ready or starting normally.

    `startup_seconds` is the startup time on its pool; a start that takes more than twice as long is overdue.
    """
    status = pod["status"]
    conditions = {condition["type"]: condition for condition in status.get("conditions") or ()}
    if conditions.get("Ready", {}).get("status") == "True":
        return None
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("reason") == "Unschedulable":
        return Stuck(reason=Reason.UNSCHEDULABLE, message=scheduled.get("message", "no node fits"))
    return _failing_container(status) or _overdue(pod, conditions=conditions, now=now, startup_seconds=startup_seconds)


def _failing_container(status: Mapping[str, Any]) -> Stuck | None:
    for name, waiting in _waiting(status):
        if waiting["reason"] in _IMAGE_PULL_FAILURES:
            return Stuck(reason=Reason.IMAGE_PULL_FAILED, message=_sentence(name, waiting))
    for container in status.get("containers") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        # Between two crashes the container runs for a moment; unlike its state, its restart count stays.
        crashing = container.get("restartCount", 0) >= CRASHES and not container.get("ready")
        if crashing or waiting.get("reason") == "CrashLoopBackOff":
            return Stuck(reason=Reason.CRASH_LOOP, message=_last_end(container))
    return None


def _overdue(
    pod: Mapping[str, Any], *, conditions: Mapping[str, Mapping[str, Any]], now: datetime, startup_seconds: float
) -> Stuck | None:
    changes = [conditions[kind]["lastTransitionTime"] for kind in ("PodScheduled", "Ready") if kind in conditions]
    since = max(instant(moment) for moment in (pod["metadata"]["creationTimestamp"], *changes) if moment)
    if now - since <= overdue_after(startup_seconds):
        return None
    said = "; ".join(_sentence(name, waiting) for name, waiting in _waiting(pod["status"]))
    message = (
        f"not Ready {(now - since).total_seconds():.0f} s after its start; startup takes {startup_seconds:.0f} s here"
    )
    return Stuck(reason=Reason.START_OVERDUE, message=f"{message} ({said})" if said else message)


def _waiting(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for container in status.get("containers") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        if waiting.get("reason", "ContainerCreating") not in _STARTING:
            yield container["name"], waiting


def _sentence(container: str, waiting: Mapping[str, Any]) -> str:
    message = waiting.get("message")
    return f"{container}: {waiting['reason']}: {message}" if message else f"{container}: {waiting['reason']}"


def _last_end(container: Mapping[str, Any]) -> str:
    states = (container.get("state") or {}, container.get("lastState") or {})
    ended: Mapping[str, Any] = next((state["terminated"] for state in states if state.get("terminated")), {})
    cause = ended.get("reason", "ended")
    code = ended.get("exitCode")
    how = cause if code is None else f"{cause}, exit code {code}"
    return f"{container['name']}: {container.get('restartCount', 0)} restarts, last: {how}"
