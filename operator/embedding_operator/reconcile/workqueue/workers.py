"""The workers that take keys from the queue, and how their errors are handled."""

import time
from collections.abc import Awaitable, Callable

import structlog

from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.workqueue.queue import Failed, KeyedQueue, RunOutcome, Succeeded

Reconcile = Callable[[ObjectKey], Awaitable[float | None]]
OnResult = Callable[[str, float], None]
"""Takes the result of a reconcile, one of a few fixed words, and the seconds that it took."""

NEVER = float("inf")

_log = structlog.get_logger(__name__)


async def work(queue: KeyedQueue[ObjectKey], reconcile: Reconcile, *, on_result: OnResult) -> None:
    """Reconcile one key after the other until cancelled; an error with one key does not end the worker."""
    while True:
        key = await queue.get()
        begun = time.monotonic()
        outcome: RunOutcome = Failed()
        result = "cancelled"
        try:
            outcome, result = await _outcome(key, reconcile)
        finally:
            queue.done(key, outcome)
            on_result(result, time.monotonic() - begun)


async def _outcome(key: ObjectKey, reconcile: Reconcile) -> tuple[RunOutcome, str]:
    log = _log.bind(kind=key.kind, namespace=key.namespace, name=key.name)
    try:
        after = await reconcile(key)
    except Conflict as error:
        # What was read is outdated: the next reconcile, a moment later, decides on the state then. A lasting conflict,
        # such as a child that does not terminate, is retried less and less often; the watch reports when it is gone.
        log.info("conflict", error=str(error))
        return Failed(), "conflict"
    except Gone as error:
        log.info("gone", error=str(error))
        return Failed(), "gone"
    except Unavailable as error:
        log.warning("unavailable", error=error.message, status=error.status)
        return Failed(retry_after=error.retry_after or 0.0), "unavailable"
    except Exception:
        # A bug that one object exposes must not stop the others: it is logged, counted and retried.
        log.exception("reconcile failed")
        return Failed(), "error"
    return Succeeded(requeue_after=None if after is None or after == NEVER else after), "success"
