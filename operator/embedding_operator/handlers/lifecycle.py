"""kopf's settings, and the start and stop of the process."""

from collections.abc import Awaitable, Callable

import kopf

from embedding_operator.api.v1alpha1.base import GROUP
from embedding_operator.handlers import watches

Hook = Callable[[], Awaitable[None]]


def register(registry: kopf.OperatorRegistry, *, start: Hook, stop: Hook) -> None:
    """Run `start` before the first watch and `stop` after the last."""

    async def started(settings: kopf.OperatorSettings, **_: object) -> None:
        configure(settings)
        await start()

    async def stopped(**_: object) -> None:
        await stop()

    # A failure at startup ends the process, and the kubelet restarts it; kopf would wait a minute and retry.
    kopf.on.startup(id="start", registry=registry, errors=kopf.ErrorsMode.PERMANENT)(started)
    kopf.on.cleanup(id="stop", registry=registry)(stopped)


def configure(settings: kopf.OperatorSettings) -> None:
    """Make kopf a watch shell: no peering, no Events, no annotations, bounded memory, finite timeouts."""
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.chunk_size = 500
    settings.watching.connect_timeout = 10
    settings.queueing.idle_timeout = 1
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = (1, 2, 5, 10)
    settings.process.ultimate_exiting_timeout = 25
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    watches.select(settings)
