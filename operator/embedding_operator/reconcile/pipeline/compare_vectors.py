"""Compare: whether the pools of a service give equal vectors, probed only while one takes over from another."""

from collections.abc import Callable, Mapping

from embedding_operator.domain.decision import Decision
from embedding_operator.domain.observation import Parity
from embedding_operator.domain.placement.handover import takes_over
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.kube.resources import EMBEDDING_SERVICE
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.pipeline.observe import Observed
from embedding_operator.reconcile.pipeline.validate import Prepared
from embedding_operator.reconcile.sources.parity_probes import Candidate, ParityBook


class Comparison:
    """Queries `book` by the vector space of a service; `again` is called with a service when an answer arrived."""

    def __init__(self, book: ParityBook, *, again: Callable[[ObjectKey], None]) -> None:
        self._book = book
        self._again = again
        self._vector_spaces: dict[str, str] = {}

    def parities(self, service: ServiceObject, prepared: Prepared) -> Mapping[str, Parity]:
        """Return the known parities of the replicas of `service`, by pod UID."""
        return self._book.parities(_vector_space(service, prepared))

    def ask(self, observed: Observed, decision: Decision) -> None:
        """Request a comparison of the pools' vectors if `decision` lets one pool take over from another."""
        goal = {target.pool: target.goal for target in decision.targets}
        if not takes_over(observed.observation.pools, goal=goal):
            return
        candidates = [
            Candidate(
                uid=pod.replica.uid,
                endpoint=pod.endpoint,
                age=(observed.observation.now - pod.replica.ready_since).total_seconds(),
            )
            for each in observed.objects
            for pod in each.pods
            if pod.endpoint is not None and pod.replica.ready_since is not None
        ]
        key = ObjectKey(EMBEDDING_SERVICE.kind, observed.service.namespace, observed.service.name)
        space = _vector_space(observed.service, observed.prepared)
        if self._vector_spaces.get(observed.service.uid) != space:
            self._vector_spaces[observed.service.uid] = space
            self._book.forget(self._vector_spaces.values())
        self._book.ask(space, candidates, answered=lambda: self._again(key))

    def forget(self, uid: str) -> None:
        """Drop what is remembered about a service that is gone."""
        self._vector_spaces.pop(uid, None)
        self._book.forget(self._vector_spaces.values())


def _vector_space(service: ServiceObject, prepared: Prepared) -> str:
    """Return a key that changes with everything that may change the vectors of a service."""
    return f"{service.uid}/{prepared.spec.model.model_dump_json()}"
