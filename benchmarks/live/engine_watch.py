"""At which addresses the Ready engines of a namespace are, as a watch on the API server tells it."""

from benchmarks.live.kubectl_watch import KubectlWatch
from e2e.scenarios.watching import POOL_LABEL

ENGINE = (
    r'jsonpath={.metadata.name},{.status.podIP},{.status.conditions[?(@.type=="Ready")].status},'
    r'{.metadata.deletionTimestamp}{"\n"}'
)


class EngineWatch(KubectlWatch):
    """Watches from its begin to its end."""

    def __init__(self, namespace: str) -> None:
        super().__init__("pods", f"--namespace={namespace}", f"--selector={POOL_LABEL}", output=ENGINE)
        self._addresses: dict[str, str] = {}

    def addresses(self) -> list[str]:
        """Return those of the engines that may get a request now, the oldest first."""
        with self.changed:
            return list(self._addresses.values())

    def take_in(self, line: str) -> None:
        """Take in name, address and readiness of a pod, and since when it is being deleted."""
        name, address, readiness, deleted = line.strip().split(",")
        with self.changed:
            if readiness == "True" and not deleted:
                self._addresses[name] = address
            else:
                self._addresses.pop(name, None)
            self.changed.notify_all()
