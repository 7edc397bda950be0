"""Apply: write the children that a decision requires, keep those that serve, delete the others."""

from collections.abc import Collection
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.decision import Decision
from embedding_operator.domain.observation import Observation
from embedding_operator.domain.status.report import StallCause
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.reader import PoolObject, ServiceObject
from embedding_operator.kube.resources import DEPLOYMENT, SERVICE
from embedding_operator.kube.store import ObjectKey
from embedding_operator.kube.writer import ChildWriter, WriteOutcome
from embedding_operator.reconcile.pipeline.observe import Observed
from embedding_operator.rendering import names
from embedding_operator.rendering.manifest import Manifest


def replicas_to_write(observation: Observation, decision: Decision) -> dict[str, int]:
    """Return the decided replicas by pool, or the current ones if decisions are only reported."""
    if decision.write:
        return {target.pool: target.replicas for target in decision.targets}
    return {pool.name: pool.replicas for pool in observation.pools}


def deployments_to_keep(observed: Observed, decision: Decision) -> set[ObjectKey]:
    """Return Deployments that keep serving even if not rendered: their pool left the spec, or has no GPUPool."""
    holding = {target.pool for target in decision.targets if target.replicas > 0}
    listed = {entry.gpu_pool for entry in observed.prepared.spec.pools}
    return {
        ObjectKey(
            DEPLOYMENT.kind, observed.service.namespace, names.deployment_name(observed.service.name, pool=each.pool)
        )
        for each in observed.objects
        if each.pool in listed or not decision.write or each.pool in holding
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Children:
    """Makes the children of services match what was decided."""

    writer: ChildWriter

    async def apply(
        self, observed: Observed, decision: Decision, *, manifests: tuple[Manifest, ...], address: str | None
    ) -> StallCause | None:
        """Write `manifests`; return what in the cluster prevents it, if anything.

        A Service that was deleted gets its last `address` again, if there is one and it is free.

        Nothing is written while the name of any child belongs to another owner: engines would run under a foreign
        ServiceAccount, or without their NetworkPolicy.
        """
        keep = {ObjectKey(manifest.kind, manifest.namespace, manifest.name) for manifest in manifests}
        keep |= deployments_to_keep(observed, decision)
        try:
            checked = await self.writer.check_names(manifests, owner=observed.service)
            if checked.conflict is not None:
                return StallCause(reason=Reason.NAME_CONFLICT, message=checked.conflict)
            if decision.write:
                victims = {name for target in decision.targets for name in target.victims}
                await self.writer.mark_victims(observed.service, names=victims)
            stall_cause = await self._write(manifests, owner=observed.service, free=checked.free, address=address)
            if stall_cause is None:
                await self.writer.prune(observed.service, keep=keep)
        except Unavailable as error:
            if error.reason is None:
                raise
            return StallCause(reason=error.reason, message=error.message)
        return stall_cause or _refusal(observed.objects)

    def address(self, service: ServiceObject) -> str | None:
        """Return the IP address at which `service` is reached, None if it has none."""
        return self.writer.address(service)

    def forget(self, uid: str) -> None:
        """Drop what is remembered about the children of a service that is gone."""
        self.writer.forget(uid)

    async def _write(
        self,
        manifests: tuple[Manifest, ...],
        *,
        owner: ServiceObject,
        free: Collection[ObjectKey],
        address: str | None,
    ) -> StallCause | None:
        """Write the children up to the first name conflict, which is returned."""
        for manifest in manifests:
            public = (manifest.kind, manifest.name) == (SERVICE.kind, owner.name)
            applied = await self.writer.apply(manifest, owner=owner, free=free, address=address if public else None)
            if applied.outcome is WriteOutcome.NAME_CONFLICT:
                return StallCause(reason=Reason.NAME_CONFLICT, message=applied.message)
        return None


def _refusal(objects: tuple[PoolObject, ...]) -> StallCause | None:
    """Return what a quota or an admission check says against the pods of a Deployment."""
    refusal = next((each.refusal for each in objects if each.refusal is not None), None)
    if refusal is None or refusal.reason is None:
        return None
    return StallCause(reason=refusal.reason, message=refusal.message)
