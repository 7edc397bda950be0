"""Liveness: fails when the reconcile loop is stuck, not only when the process is dead."""

from collections.abc import Callable

import kopf

STUCK_SECONDS = 60.0


def register(registry: kopf.OperatorRegistry, *, idle_seconds: Callable[[], float]) -> None:
    """Make the liveness probe fail when, by `idle_seconds`, the loop completed no tick for too long."""

    async def loop(**_: object) -> float:
        idle = idle_seconds()
        if idle > STUCK_SECONDS:
            # Any other exception would be retried inside the request, and the probe would hang instead of failing.
            message = f"the reconcile loop has not completed a tick for {idle:.0f} s"
            raise kopf.PermanentError(message)
        return round(idle, 1)

    kopf.on.probe(id="loop", registry=registry)(loop)
