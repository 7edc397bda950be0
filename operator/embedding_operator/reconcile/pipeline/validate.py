"""Prepare: validate a stored spec, again only when the spec or a GPUPool changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.domain.admission.checks import Permissions, Problem, problems
from embedding_operator.kube.reader import ServiceObject
from embedding_operator.reconcile.pipeline.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A stored object that does not fit the models of this version of the operator."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What depends only on a spec and the GPUPools; the same object while neither changes."""

    pools: Mapping[str, GPUPoolSpec]
    spec: EmbeddingServiceSpec
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The outcome for a generation of a spec with these GPUPools. Refusals are cached like other outcomes."""

    generation: int
    pools: Mapping[str, GPUPoolSpec]
    outcome: Prepared | Refused


class Preparations:
    """The prepared specs of all services."""

    def __init__(self, catalog: Catalog, *, permissions: Permissions | None = None) -> None:
        self._catalog = catalog
        self._permissions = permissions or Permissions()
        self._known: dict[str, _Known] = {}

    def prepare(self, service: ServiceObject) -> Prepared | Refused:
        """Return the spec of `service` with its problems, or why it cannot be read at all."""
        pools = self._catalog.pools()
        known = self._known.get(service.uid)
        if known is None or known.generation != service.generation or known.pools is not pools:
            outcome = _prepared(service, pools=pools, permissions=self._permissions)
            known = _Known(generation=service.generation, pools=pools, outcome=outcome)
            self._known[service.uid] = known
        return known.outcome

    def forget(self, uid: str) -> None:
        """Drop what is remembered about a service that is gone."""
        self._known.pop(uid, None)


def _prepared(
    service: ServiceObject, *, pools: Mapping[str, GPUPoolSpec], permissions: Permissions
) -> Prepared | Refused:
    spec = parsed_spec(service)
    if isinstance(spec, Refused):
        return spec
    return Prepared(pools=pools, spec=spec, problems=problems(spec, pools=pools, permissions=permissions))


def parsed_spec(service: ServiceObject) -> EmbeddingServiceSpec | Refused:
    """Return the spec of a service, or which of its fields are invalid and why."""
    try:
        return EmbeddingServiceSpec.model_validate(service.spec)
    except ValidationError as error:
        return Refused(message=_sentence(error))


def _sentence(error: ValidationError) -> str:
    problems = (
        f"spec.{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors(include_url=False)
    )
    return "; ".join(problems)
