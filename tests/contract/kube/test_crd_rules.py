"""Every rule of the CRDs on a real API server: what is refused, with which message, and what is accepted.

Run with `python -m testbed.cluster exec control-plane -- pytest tests/contract/kube`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from embedding_operator.api.crd import CUSTOM_RESOURCES, SCALING_SCHEDULE, CustomResource
from embedding_operator.api.v1alpha1.base import GROUP, VERSION
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from kubernetes.config import load_kube_config

from testbed.harness.kubectl import SECONDS
from tests.contract.kube.crd_cases import Case, Manifest, load_cases, smallest
from tests.unit.domain.schedule.zones import ZONES

pytestmark = pytest.mark.cluster

CASES = load_cases()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
each_resource = pytest.mark.parametrize("resource", CUSTOM_RESOURCES, ids=lambda resource: resource.kind)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API server says about one field."""

    field: str
    message: str


class Server:
    """The API server, used to check whether it would create an object."""

    def __init__(self, client: ApiClient) -> None:
        self._objects = CustomObjectsApi(client)

    def create(self, resource: CustomResource, manifest: Manifest) -> Manifest:
        """Return the object as the server would store it; raise `ApiException` if it is refused."""
        if resource.namespaced:
            created = self._objects.create_namespaced_custom_object(
                GROUP,
                VERSION,
                manifest["metadata"]["namespace"],
                resource.plural,
                manifest,
                dry_run="All",
                field_validation="Strict",
                _request_timeout=SECONDS,
            )
        else:
            created = self._objects.create_cluster_custom_object(
                GROUP,
                VERSION,
                resource.plural,
                manifest,
                dry_run="All",
                field_validation="Strict",
                _request_timeout=SECONDS,
            )
        return cast("Manifest", created)

    def refusals(self, resource: CustomResource, manifest: Manifest) -> list[Refusal]:
        """Return why the server refuses an object."""
        with pytest.raises(ApiException) as raised:
            self.create(resource, manifest)
        assert raised.value.status == 422, raised.value.body
        causes = json.loads(raised.value.body or "")["details"]["causes"]
        return [Refusal(cause.get("field", ""), cause["message"]) for cause in causes]


@pytest.fixture(scope="module")
def server(crds: Path) -> Iterator[Server]:
    configuration = Configuration()
    load_kube_config(str(crds), client_configuration=configuration)  # type: ignore[no-untyped-call]
    with ApiClient(configuration) as client:
        yield Server(client)


@each_case
def test_the_refused_object_is_refused_in_words_that_name_the_field(server: Server, case: Case) -> None:
    refusals = server.refusals(case.resource, case.refused)
    assert any(each.field == case.field and case.message in each.message for each in refusals), refusals


@each_case
def test_the_accepted_object_is_accepted_and_filled_in_as_the_models_do(server: Server, case: Case) -> None:
    filled_in = server.create(case.resource, case.accepted)["spec"]
    read = case.resource.spec.model_validate(case.accepted["spec"])
    assert case.resource.spec.model_validate(filled_in) == read
    assert said(filled_in) == said(read.model_dump(mode="json", by_alias=True, exclude_none=True))


def said(value: Any) -> Any:
    """Return `value` without empty lists and maps: they mean nothing, and the server keeps them as written."""
    if isinstance(value, dict):
        kept = {key: said(child) for key, child in value.items()}
        return {key: child for key, child in kept.items() if child not in ({}, [])}
    return [said(child) for child in value] if isinstance(value, list) else value


@each_resource
def test_the_smallest_object_is_accepted_and_filled_in_as_the_models_do(
    server: Server, resource: CustomResource
) -> None:
    filled_in = server.create(resource, smallest(resource))["spec"]
    read = resource.spec.model_validate(smallest(resource)["spec"])
    assert said(filled_in) == said(read.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_the_server_knows_every_zone_that_the_operator_knows(server: Server) -> None:
    for zone in ZONES:
        manifest = smallest(SCALING_SCHEDULE)
        manifest["spec"]["timeZone"] = zone
        server.create(SCALING_SCHEDULE, manifest)
