"""A problem of an `EmbeddingService`, and the input of the checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.pools import PoolSpec
from embedding_operator.domain.model.catalog import KnownModel, known_model
from embedding_operator.domain.model.engine_arguments import of_service
from embedding_operator.domain.model.resolution import ResolvedModel, resolve_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that prevents a service from running as specified; `message` says how to fix `field`."""

    reason: Reason
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What tenants may run: images that begin with one of `image_prefixes`, or any if there are none; `remote_code`."""

    image_prefixes: tuple[str, ...] = ()
    remote_code: bool = True


ANYTHING = Permissions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An entry of `spec.pools` whose `GPUPool` exists; `field` is the path of the entry."""

    field: str
    entry: PoolSpec
    gpu: GPUPoolSpec

    @property
    def name(self) -> str:
        """Return the name of the pool."""
        return self.entry.gpu_pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service, what is known about its model and its pools, and what tenants may run."""

    spec: EmbeddingServiceSpec
    pools: Mapping[str, GPUPoolSpec]
    known: KnownModel | None
    resolved: ResolvedModel
    permissions: Permissions

    @classmethod
    def of(
        cls, spec: EmbeddingServiceSpec, *, pools: Mapping[str, GPUPoolSpec], permissions: Permissions = ANYTHING
    ) -> "Case":
        """Return the case of `spec` on the `GPUPool`s of the cluster."""
        return cls(
            spec=spec,
            pools=pools,
            known=known_model(spec.model),
            resolved=resolve_model("", spec, pools),
            permissions=permissions,
        )

    def entries(self) -> Iterator[tuple[str, PoolSpec]]:
        """Yield every pool of the service, with its field."""
        for position, entry in enumerate(self.spec.pools):
            yield f"spec.pools[{position}]", entry

    def uses(self) -> Iterator[Use]:
        """Yield the pools of the service that exist."""
        for field, entry in self.entries():
            if entry.gpu_pool in self.pools:
                yield Use(field=field, entry=entry, gpu=self.pools[entry.gpu_pool])

    def args_on(self, use: Use) -> tuple[Sequence[str], ...]:
        """Return the argument lists that apply on a pool, in ascending order of precedence."""
        return use.gpu.engine.args, of_service(self.spec.engine.args), of_service(use.entry.args)
