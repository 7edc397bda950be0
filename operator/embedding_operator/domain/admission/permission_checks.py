"""Checks that a service keeps to what the cluster's admins allow tenants to run."""

from collections.abc import Iterator

from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.domain.admission.case import Case, Problem
from embedding_operator.domain.model.shared_volumes import shares_files


def images(case: Case) -> Iterator[Problem]:
    """Refuse images that the admins have not allowed, of engines and of models."""
    given = {
        "spec.engine.image": case.spec.engine.image,
        "spec.model.image.reference": None if case.spec.model.image is None else case.spec.model.image.reference,
    }
    allowed = case.permissions.image_prefixes
    for field, image in given.items():
        if image is not None and allowed and not image.startswith(allowed):
            yield _problem(field, f"the image must begin with one of: {', '.join(allowed)}")


def remote_code(case: Case) -> Iterator[Problem]:
    """Refuse code from model repositories where the admins have not allowed it."""
    if case.spec.model.trust_remote_code and not case.permissions.remote_code:
        yield _problem(
            "spec.model.trustRemoteCode", "this cluster does not run code from model repositories: remove it"
        )


def own_engines(case: Case) -> Iterator[Problem]:
    """Refuse images and variables of a service on pools where engines of all namespaces load the same files."""
    for use in case.uses():
        if not shares_files(use.gpu.engine) or use.gpu.engine.allow_own_engines:
            continue
        given = {
            "spec.engine.image": case.spec.engine.image,
            "spec.engine.env": case.spec.engine.env,
            f"{use.field}.env": use.entry.env,
        }
        for field in (field for field, value in given.items() if value):
            yield _problem(
                field,
                f"engines on GPUPool {use.name} load files that all namespaces write, so they run as the pool defines: "
                "remove it, or set engine.allowOwnEngines of the GPUPool",
            )


def _problem(field: str, message: str) -> Problem:
    return Problem(reason=Reason.NOT_PERMITTED, field=field, message=message)
