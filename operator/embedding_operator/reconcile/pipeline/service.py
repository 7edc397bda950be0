"""Reconcile one EmbeddingService: observe, decide, render, apply, report."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus
from embedding_operator.domain.admission.checks import Problem
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.gateway_routing import RoutingInput, gateway_readiness, routed
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.status.report import StallCause
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import Reader, ServiceObject
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.pipeline.apply import Children, replicas_to_write
from embedding_operator.reconcile.pipeline.compare_vectors import Comparison
from embedding_operator.reconcile.pipeline.observe import Observed, Observer
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.report import Reporter, last_memory, parsed_status
from embedding_operator.reconcile.pipeline.validate import Preparations, Refused

Decided = Callable[[Observed, Decision, float], None]
"""Takes what was observed, what was decided, and the seconds that the decision took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The parts of a reconcile, in the order in which they run."""

    reader: Reader
    preparations: Preparations
    observer: Observer
    decided: Decided
    comparison: Comparison
    gateways: Gateways
    renderings: Renderings
    children: Children
    reporter: Reporter

    def forget(self, uid: str) -> None:
        """Drop what is remembered about a service that is gone."""
        self.preparations.forget(uid)
        self.observer.forget(uid)
        self.comparison.forget(uid)
        self.renderings.forget(uid)
        self.children.forget(uid)
        self.reporter.forget(uid)


class ServiceReconciler:
    """Reconciles services by key; keeps their scaling memory, which is newer than the one in the status."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._memory: dict[str, ScalingMemory] = {}
        self._met: set[str] = set()

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring one service closer to its desired state; return after how many seconds it must be reconciled again."""
        steps = self._steps
        service = steps.reader.service(key.namespace, key.name)
        if service is None:
            return None
        self._met.add(service.uid)
        if service.deleting or steps.reader.namespace_is_ending(service.namespace):
            return None
        previous = parsed_status(service)
        try:
            return await self._reconcile(service, previous=previous)
        except (Conflict, Gone, Unavailable):
            raise
        except Exception as error:  # a bug in any step: the caller logs and counts it, here the user is told
            message = (
                f"an unexpected error in the operator ({type(error).__name__}): the last good state is kept; the "
                "operator's log has the traceback"
            )
            await steps.reporter.stall(
                service, StallCause(reason=Reason.INTERNAL_ERROR, message=message), previous=previous
            )
            raise

    async def _reconcile(self, service: ServiceObject, *, previous: EmbeddingServiceStatus) -> float | None:
        steps = self._steps
        prepared = steps.preparations.prepare(service)
        if isinstance(prepared, Refused):
            refused = StallCause(reason=Reason.INVALID_SPEC, message=prepared.message)
            await steps.reporter.stall(service, refused, previous=previous)
            return None
        observed = steps.observer.observed(
            service,
            prepared,
            parities=steps.comparison.parities(service, prepared),
            memory=self._memory.get(service.uid) or last_memory(previous),
        )
        if any(each.reason is not Reason.GPU_POOL_NOT_FOUND for each in prepared.problems) or not observed.has_a_place:
            await steps.reporter.stall(service, _described(prepared.problems), previous=previous)
            return None
        return await self._act(observed, previous=previous)

    def forget_all_but(self, uids: Collection[str]) -> None:
        """Drop what is remembered about services that are gone."""
        for uid in self._met - set(uids):
            self._memory.pop(uid, None)
            self._steps.forget(uid)
        self._met.intersection_update(uids)

    async def _act(self, observed: Observed, *, previous: EmbeddingServiceStatus) -> float | None:
        steps, service = self._steps, observed.service
        decision = self._decide(observed)
        steps.comparison.ask(observed, decision)
        replicas = replicas_to_write(observed.observation, decision)
        routing_input = self._routing_input(observed)
        routing = routed(routing_input)
        manifests = steps.renderings.manifests(
            service,
            observed.prepared,
            replicas=replicas,
            route=routing.route,
            connection_limit=decision.connection_limit,
        )
        stall_cause = await steps.children.apply(observed, decision, manifests=manifests, address=previous.address)
        if stall_cause is None and observed.prepared.problems:
            stall_cause = _described(observed.prepared.problems)
        await steps.reporter.report(
            observed,
            decision,
            stall_cause=stall_cause,
            gateway_readiness=gateway_readiness(routing_input, routing.route),
            address=steps.children.address(service),
            previous=previous,
        )
        return min(decision.requeue_after, routing.requeue_after or decision.requeue_after)

    def _routing_input(self, observed: Observed) -> RoutingInput:
        observation = observed.observation
        return self._steps.gateways.routing_input(
            observed.service,
            observed.prepared.spec.gateway,
            engines_ready=sum(len(pool.ready) for pool in observation.pools),
            now=observation.now,
        )

    def _decide(self, observed: Observed) -> Decision:
        begun = time.perf_counter()
        decision = decide(observed.observation)
        self._steps.decided(observed, decision, time.perf_counter() - begun)
        self._memory[observed.service.uid] = decision.memory
        return decision


def _described(problems: tuple[Problem, ...]) -> StallCause:
    first = next(each for each in problems)
    return StallCause(reason=first.reason, message="; ".join(f"{each.field}: {each.message}" for each in problems))
