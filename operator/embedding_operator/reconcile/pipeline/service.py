"""Reconcile one EmbeddingService: observe, decide, render, apply, report."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus
from embedding_operator.domain.admission.checks import Problem
from embedding_operator.domain.decide import decide
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.gateway_routing import Situation, passage, routed
from embedding_operator.domain.memory import ScalingMemory
from embedding_operator.domain.status.report import Obstacle
from embedding_operator.kube.gateways import Gateways
from embedding_operator.kube.reader import Reader
from embedding_operator.kube.store import ObjectKey
from embedding_operator.reconcile.pipeline.apply import Children, replicas_to_write
from embedding_operator.reconcile.pipeline.compare_vectors import Comparison
from embedding_operator.reconcile.pipeline.observe import Observer, Scene
from embedding_operator.reconcile.pipeline.render import Renderings
from embedding_operator.reconcile.pipeline.report import Reporter, last_memory, parsed_status
from embedding_operator.reconcile.pipeline.validate import Preparations, Refused

Decided = Callable[[Scene, Decision, float], None]
"""Takes what was looked at, what was decided, and the seconds that the decision took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The parts of a reconcile, in the order in which they come to work."""

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
        """Drop what is remembered of a service that is gone."""
        self.preparations.forget(uid)
        self.observer.forget(uid)
        self.comparison.forget(uid)
        self.renderings.forget(uid)
        self.children.forget(uid)
        self.reporter.forget(uid)


class ServiceReconciler:
    """Reconciles services by key; keeps the scaling memory that is newer than the one in the status."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._memory: dict[str, ScalingMemory] = {}
        self._met: set[str] = set()

    async def reconcile(self, key: ObjectKey) -> float | None:
        """Bring one service towards what it should be; return the seconds after which the clock alone changes it."""
        steps = self._steps
        service = steps.reader.service(key.namespace, key.name)
        if service is None:
            return None
        self._met.add(service.uid)
        if service.deleting or steps.reader.namespace_is_ending(service.namespace):
            return None
        previous = parsed_status(service)
        prepared = steps.preparations.prepare(service)
        if isinstance(prepared, Refused):
            refused = Obstacle(reason=Reason.INVALID_SPEC, message=prepared.message)
            await steps.reporter.stall(service, refused, previous=previous)
            return None
        scene = steps.observer.scene(
            service,
            prepared,
            parities=steps.comparison.parities(service, prepared),
            memory=self._memory.get(service.uid) or last_memory(previous),
        )
        if any(each.reason is not Reason.GPU_POOL_NOT_FOUND for each in prepared.problems) or not scene.has_a_place:
            await steps.reporter.stall(service, _described(prepared.problems), previous=previous)
            return None
        return await self._act(scene, previous=previous)

    def forget_all_but(self, uids: Collection[str]) -> None:
        """Drop what is remembered of services that are gone."""
        for uid in self._met - set(uids):
            self._memory.pop(uid, None)
            self._steps.forget(uid)
        self._met.intersection_update(uids)

    async def _act(self, scene: Scene, *, previous: EmbeddingServiceStatus) -> float | None:
        steps, service = self._steps, scene.service
        decision = self._decide(scene)
        steps.comparison.ask(scene, decision)
        replicas = replicas_to_write(scene.observation, decision)
        situation = self._situation(scene)
        routing = routed(situation)
        manifests = steps.renderings.manifests(
            service,
            scene.prepared,
            replicas=replicas,
            route=routing.route,
            connection_limit=decision.connection_limit,
        )
        obstacle = await steps.children.apply(scene, decision, manifests=manifests)
        if obstacle is None and scene.prepared.problems:
            obstacle = _described(scene.prepared.problems)
        await steps.reporter.report(
            scene, decision, obstacle=obstacle, passage=passage(situation, routing.route), previous=previous
        )
        return min(decision.requeue_after, routing.requeue_after or decision.requeue_after)

    def _situation(self, scene: Scene) -> Situation:
        observation = scene.observation
        return self._steps.gateways.situation(
            scene.service,
            scene.prepared.spec.gateway,
            engines_ready=sum(len(pool.ready) for pool in observation.pools),
            now=observation.now,
        )

    def _decide(self, scene: Scene) -> Decision:
        begun = time.perf_counter()
        decision = decide(scene.observation)
        self._steps.decided(scene, decision, time.perf_counter() - begun)
        self._memory[scene.service.uid] = decision.memory
        return decision


def _described(problems: tuple[Problem, ...]) -> Obstacle:
    first = next(each for each in problems)
    return Obstacle(reason=first.reason, message="; ".join(f"{each.field}: {each.message}" for each in problems))
