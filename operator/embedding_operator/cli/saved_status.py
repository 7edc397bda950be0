"""Reads a saved service: the output of `kubectl get embsvc -o yaml`, or a status alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from embedding_operator.api.crd import EMBEDDING_SERVICE
from embedding_operator.api.v1alpha1.status import EmbeddingServiceStatus
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.explain import Subject
from embedding_operator.kube.metadata import Body

HOW_TO_SAVE = "save it with kubectl get embsvc NAME -o yaml"
STATUS_FIELDS = {"conditions", "decision", "observedGeneration", "pools"}


def read_subject(text: str, *, name: str | None, origin: str) -> Subject:
    """Return the service `name` in `text`; raise a `CommandError` that says what `origin` should contain."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        message = f"{origin} is neither YAML nor JSON: {HOW_TO_SAVE}"
        raise CommandError(message) from error
    if not isinstance(document, Mapping):
        message = f"{origin} contains no EmbeddingService: {HOW_TO_SAVE}"
        raise CommandError(message)
    if "kind" not in document and STATUS_FIELDS & document.keys():
        return Subject(name=name or "The service", status=_status(document, of=origin))
    return subject_of(_service(document, name=name, origin=origin))


def subject_of(service: Body) -> Subject:
    """Return the subject for an EmbeddingService object; raise `CommandError` if it has no status yet."""
    metadata = service.get("metadata") or {}
    name = "/".join(part for part in (metadata.get("namespace"), metadata.get("name")) if part) or "The service"
    if not service.get("status"):
        message = (
            f"EmbeddingService {name} has no status yet: check that the operator is running and watches this namespace "
            "(watch.namespaces in its chart)"
        )
        raise CommandError(message)
    return Subject(name=name, status=_status(service["status"], of=name), generation=metadata.get("generation"))


def _service(document: Body, *, name: str | None, origin: str) -> Body:
    found = [document] if document.get("kind") != "List" else list(document.get("items") or ())
    services = [each for each in found if isinstance(each, Mapping) and each.get("kind") == EMBEDDING_SERVICE.kind]
    if not services:
        message = f"{origin} contains no EmbeddingService, but {_kinds(found)}: {HOW_TO_SAVE}"
        raise CommandError(message)
    named = [each for each in services if name is None or each.get("metadata", {}).get("name") == name]
    if len(named) == 1:
        return named[0]
    names = ", ".join(sorted(str(each.get("metadata", {}).get("name")) for each in services))
    message = f"{origin} contains {names}: name one of them"
    raise CommandError(message)


def _kinds(found: Sequence[Any]) -> str:
    kinds = {str(each.get("kind")) if isinstance(each, Mapping) else "nothing" for each in found}
    return ", ".join(sorted(kinds)) or "an empty list"


def _status(status: Any, *, of: str) -> EmbeddingServiceStatus:
    try:
        return EmbeddingServiceStatus.model_validate(status)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in ("status", *first["loc"]))
        message = f"the status of {of} cannot be read ({field}: {first['msg']}): use the operator's kubectl-embsvc"
        raise CommandError(message) from error
