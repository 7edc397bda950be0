"""Reads an EmbeddingService from a file, with the GPUPools beside it in the same file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from embedding_operator.api.crd import EMBEDDING_SERVICE, GPU_POOL, SCALING_SCHEDULE
from embedding_operator.api.v1alpha1.base import ApiModel
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.pools import PoolBounds
from embedding_operator.api.v1alpha1.scaling_schedule import ScalingScheduleSpec
from embedding_operator.api.v1alpha1.schedule import Window
from embedding_operator.cli.errors import CommandError
from embedding_operator.domain.admission.checks import problems
from embedding_operator.domain.schedule.bounds import ClusterSchedule, selects
from embedding_operator.kube.metadata import Body

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that the API server gives every namespace."""

Spec = TypeVar("Spec", bound=ApiModel)


READ = (EMBEDDING_SERVICE.kind, GPU_POOL.kind, SCALING_SCHEDULE.kind, "Namespace")
"""Kinds that have a say in a simulation; a Namespace has one by its labels, which ScalingSchedules select."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFile:
    """One service, the GPUPools that it may use, and the ScalingSchedules that select it.

    Its GPUPools are those of its file, which `stated` names, else those that the chart installs. `not_selecting` names
    the ScalingSchedules of the file that do not select the service.
    """

    name: str
    spec: EmbeddingServiceSpec
    gpu_pools: Mapping[str, GPUPoolSpec]
    stated: frozenset[str]
    schedules: tuple[ClusterSchedule, ...] = ()
    not_selecting: tuple[str, ...] = ()

    def windows(self) -> Iterator[Window]:
        """Yield every window that may be open for the service."""
        own = () if self.spec.schedule is None else self.spec.schedule.windows
        yield from own
        for schedule in self.schedules:
            yield from schedule.spec.windows


def read_service_file(text: str, *, origin: str) -> ServiceFile:
    """Return the contents of `text`; raise `CommandError`, which says what `origin` should contain."""
    documents = _documents(text, origin=origin)
    services = [each for each in documents if each.get("kind") == EMBEDDING_SERVICE.kind]
    if len(services) != 1:
        names = ", ".join(_name(each) for each in services) or "none"
        message = f"{origin}: exactly one EmbeddingService is needed, found {len(services)} ({names})"
        raise CommandError(message)
    others = sorted({str(each.get("kind")) for each in documents if each.get("kind") not in READ})
    if others:
        message = f"{origin}: {', '.join(others)} cannot be simulated: remove it, only {', '.join(READ)} are read"
        raise CommandError(message)
    pools = {
        _name(each): _spec(GPUPoolSpec, each, origin=origin) for each in documents if each.get("kind") == GPU_POOL.kind
    }
    schedules = [
        ClusterSchedule(name=_name(each), spec=_spec(ScalingScheduleSpec, each, origin=origin))
        for each in documents
        if each.get("kind") == SCALING_SCHEDULE.kind
    ]
    selecting = [each for each in schedules if _selects(each, services[0], documents=documents)]
    found = ServiceFile(
        name=_name(services[0]),
        spec=_spec(EmbeddingServiceSpec, services[0], origin=origin),
        gpu_pools={**catalog(), **pools},
        stated=frozenset(pools),
        schedules=tuple(selecting),
        not_selecting=tuple(each.name for each in schedules if each not in selecting),
    )
    wrong = next(_wrong(found), None)
    if wrong is not None:
        message = f"{origin}: {wrong}"
        raise CommandError(message)
    return found


def _selects(schedule: ClusterSchedule, service: Body, *, documents: Sequence[Body]) -> bool:
    """Return whether `schedule` selects `service`; of its namespace, the labels that the file states count."""
    namespace = str(_metadata(service).get("namespace") or "default")
    stated = [each for each in documents if each.get("kind") == "Namespace" and _name(each) == namespace]
    labels = {NAMESPACE_NAME: namespace, **{key: value for each in stated for key, value in _labels(each).items()}}
    return selects(schedule.spec, service_labels=_labels(service), namespace_labels=labels)


def _metadata(document: Body) -> Body:
    metadata = document.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _labels(document: Body) -> dict[str, str]:
    labels = _metadata(document).get("labels")
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {}


def catalog() -> dict[str, GPUPoolSpec]:
    """Return the GPUPools that the chart installs by default, by name."""
    text = (files("embedding_operator.cli") / "gpupools.yaml").read_text(encoding="utf-8")
    return {name: GPUPoolSpec.model_validate(spec) for name, spec in yaml.safe_load(text).items()}


def _documents(text: str, *, origin: str) -> list[Body]:
    try:
        documents = [each for each in yaml.safe_load_all(text) if each is not None]
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = "" if where is None else f", line {where.line + 1}"
        message = f"{origin}{line}: neither YAML nor JSON ({getattr(error, 'problem', None) or 'unreadable'})"
        raise CommandError(message) from error
    flat = [item for each in documents for item in (_items(each) if isinstance(each, Mapping) else [each])]
    return [each for each in flat if isinstance(each, Mapping)]


def _items(document: Body) -> Sequence[Any]:
    return document.get("items") or () if document.get("kind") == "List" else (document,)


def _name(document: Body) -> str:
    name = _metadata(document).get("name")
    return str(name) if name else "without a name"


def _spec(model: type[Spec], document: Body, *, origin: str) -> Spec:
    said = document.get("spec")
    where = f"{origin}, {document['kind']} {_name(document)}"
    if not isinstance(said, Mapping):
        message = f"{where}: spec is missing"
        raise CommandError(message)
    try:
        spec = model.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{where}: {_field(first['loc'])}: {first['msg'].removeprefix('Value error, ')}"
        raise CommandError(message) from error
    unknown = next(_unknown(said, spec.model_dump(by_alias=True, mode="json"), field="spec"), None)
    if unknown is not None:
        message = f"{where}: {unknown}: there is no such field: remove it or correct its name"
        raise CommandError(message)
    return spec


def _field(location: Sequence[str | int]) -> str:
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _unknown(said: object, understood: object, *, field: str) -> Iterator[str]:
    """Yield the fields of `said` that are missing in `understood`."""
    if isinstance(said, Mapping) and isinstance(understood, Mapping):
        for key, value in said.items():
            if key not in understood:
                yield f"{field}.{key}"
            else:
                yield from _unknown(value, understood[key], field=f"{field}.{key}")
    if isinstance(said, list) and isinstance(understood, list):
        for index, (each, other) in enumerate(zip(said, understood, strict=False)):
            yield from _unknown(each, other, field=f"{field}[{index}]")


def _wrong(found: ServiceFile) -> Iterator[str]:
    """Yield what the API server would reject, and what would keep the service from running."""
    yield from _wrong_bounds(found.spec.pools, field="spec.pools")
    yield from _wrong_windows(found.spec)
    for problem in problems(found.spec, pools=found.gpu_pools):
        if problem.reason is Reason.GPU_POOL_NOT_FOUND and _states_its_speed(found.spec, field=problem.field):
            continue
        if problem.reason is Reason.GPU_POOL_NOT_FOUND:
            fix = "add a GPUPool of that name to the file, or set tokensPerSecond beside gpuPool"
            yield f"{problem.field}: {problem.message.partition(': ')[0]}: {fix}; known GPUPools: {_known(found)}"
        yield f"{problem.field}: {problem.message}"


def _states_its_speed(spec: EmbeddingServiceSpec, *, field: str) -> bool:
    entry = {f"spec.pools[{index}].gpuPool": pool for index, pool in enumerate(spec.pools)}[field]
    return entry.tokens_per_second is not None


def _known(found: ServiceFile) -> str:
    return ", ".join(sorted(found.gpu_pools))


def _wrong_bounds(pools: Sequence[PoolBounds], *, field: str) -> Iterator[str]:
    for index, pool in enumerate(pools):
        if pool.min_replicas > pool.max_replicas:
            fix = "lower minReplicas or raise maxReplicas"
            yield f"{field}[{index}].minReplicas: {pool.min_replicas} is above maxReplicas, {pool.max_replicas}: {fix}"


def _wrong_windows(spec: EmbeddingServiceSpec) -> Iterator[str]:
    listed = {pool.gpu_pool for pool in spec.pools}
    for index, window in enumerate(spec.schedule.windows if spec.schedule else ()):
        field = f"spec.schedule.windows[{index}]"
        if window.start == window.end:
            yield f"{field}.end: the window has no length: start and end must differ"
        if window.asleep == bool(window.pools):
            yield f"{field}: a window needs either pools or asleep: true, not both"
        yield from _wrong_bounds(window.pools, field=f"{field}.pools")
        for position, pool in enumerate(window.pools):
            if pool.gpu_pool not in listed:
                yield f"{field}.pools[{position}].gpuPool: spec.pools does not list {pool.gpu_pool}: add it there"
