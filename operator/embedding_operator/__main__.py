"""The composition root: settings, logs, kopf, and the operator."""

import asyncio
import os
import sys
from importlib.metadata import version
from pathlib import Path

from embedding_operator import logs
from embedding_operator.gateway import command as gateway_agent
from embedding_operator.settings import Settings, SettingsError

SHELL_SECONDS = 0.5
UNUSABLE_SETTINGS = 2


def main() -> None:
    """Run the operator, or the gateway's agent if the command names it; exit with 2 on unusable settings."""
    if sys.argv[1:2] == [gateway_agent.NAME]:
        gateway_agent.main(sys.argv[2:])
        return
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        print(f"embedding-operator: {error}", file=sys.stderr)  # noqa: T201 - logs are configured from the settings
        sys.exit(UNUSABLE_SETTINGS)
    logs.configure(settings.log_level)
    asyncio.run(run(settings))


async def run(settings: Settings) -> None:
    """Run kopf as the watch shell of one `Operator`."""
    # Imported here to save memory in the gateways' agents, of which there are many.
    import kopf  # noqa: PLC0415

    from embedding_operator.app.operator import Operator  # noqa: PLC0415
    from embedding_operator.handlers import lifecycle, watches  # noqa: PLC0415

    stop = asyncio.Event()
    registry = kopf.get_default_registry()
    operator = Operator(settings, version=version("embedding-operator"), kubeconfig=_kubeconfig(), ended=stop.set)
    lifecycle.register(registry, start=operator.start, stop=operator.stop)
    watches.register(registry, seen=operator.seen, began=operator.watch_began)
    stopped = asyncio.create_task(operator.stopped.wait())
    shell = asyncio.create_task(
        kopf.operator(
            registry=registry,
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            standalone=True,
            # kopf would look up the name of its user, and the container's user has none. It accepts a string, but its
            # NewType for it is not public.
            identity=settings.pod_name,  # type: ignore[arg-type]
            stop_flag=stop,
        )
    )
    await asyncio.wait({shell, stopped}, return_when=asyncio.FIRST_COMPLETED)
    # The operator has stopped by now; kopf would wait five seconds for whatever else runs in the loop.
    await asyncio.wait({shell}, timeout=SHELL_SECONDS)
    if not shell.done():
        # After a watch failed, as it does when its kind is gone, cancelling kopf keeps a core busy until kopf kills the
        # process 25 seconds later. Nothing of ours is left to do: the next process waits until it can read the cluster.
        sys.stdout.flush()
        os._exit(0)
    shell.result()


def _kubeconfig() -> Path | None:
    """Return the file that KUBECONFIG names, or None if it is not set, as in a pod."""
    named = os.environ.get("KUBECONFIG")
    return Path(named) if named else None


if __name__ == "__main__":
    main()
