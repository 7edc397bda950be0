"""Tracks the addresses of the Ready engines in a namespace with a watch on the API server."""

from benchmarks.live.kubectl_watch import KubectlWatch
from e2e.scenarios.watching import POOL_LABEL

ENGINE = (
    r'jsonpath={.metadata.name},{.status.podIP},{.status.conditions[?(@.type=="Ready")].status},'
    r'{.metadata.deletionTimestamp}{"\n"}'
)


class EngineWatch(KubectlWatch):
    """Watches while its context is open."""

    def __init__(self, namespace: str) -> None:
        super().__init__("pods", f"--namespace={namespace}", f"--selector={POOL_LABEL}", output=ENGINE)
        self._addresses: dict[str, str] = {}

    def addresses(self) -> list[str]:
        """Return the addresses of the engines that may get a request now, the oldest first."""
        with self.changed:
            return list(self._addresses.values())

    def take_in(self, line: str) -> None:
        """Process the name, address and readiness of a pod, and its deletion timestamp."""
        name, address, readiness, deleted = line.strip().split(",")
        with self.changed:
            if readiness == "True" and not deleted:
                self._addresses[name] = address
            else:
                self._addresses.pop(name, None)
            self.changed.notify_all()
