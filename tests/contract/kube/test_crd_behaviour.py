"""What the CRDs guarantee beyond their rules: defaults, merging, columns, names, selectable fields, the status."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from embedding_operator.api.crd import CUSTOM_RESOURCES, EMBEDDING_SERVICE
from embedding_operator.api.v1alpha1.base import API_VERSION
from embedding_operator.api.v1alpha1.conditions import Condition, ConditionStatus, ConditionType, Reason
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.api.v1alpha1.status import (
    DecisionStatus,
    DecisionStep,
    EmbeddingServiceStatus,
    ModelStatus,
    PoolStatus,
    ScheduleStatus,
)

from testbed.harness.kubectl import kubectl
from tests.contract.kube.crd_cases import Manifest, smallest
from tests.world.builders import ServiceBuilder, service

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("crds")]

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"crd-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def stored(built: ServiceBuilder) -> Manifest:
    """Return the object as the server stores it."""
    name, namespace = built.name, built.namespace
    found: Manifest = json.loads(kubectl("get", "embsvc", name, f"--namespace={namespace}", "--output=json"))
    return found


def apply(manifest: Manifest, *, manager: str = "team") -> None:
    kubectl(
        "apply",
        "--server-side",
        "--validate=strict",
        f"--field-manager={manager}",
        "--filename=-",
        documents=[manifest],
    )


def test_a_null_means_the_default() -> None:
    manifest = smallest(EMBEDDING_SERVICE)
    manifest["spec"]["scaling"] = {"mode": None, "queue": None}
    filled_in = json.loads(kubectl("create", "--dry-run=server", "--filename=-", "--output=json", documents=[manifest]))
    without = EmbeddingServiceSpec.model_validate(smallest(EMBEDDING_SERVICE)["spec"])
    assert EmbeddingServiceSpec.model_validate(filled_in["spec"]) == without


class TestMerging:
    base = service().on("a10").on("t4")

    def test_two_teams_own_two_windows(self, namespace: str) -> None:
        owned = self.base.named("merged", namespace=namespace)
        apply(owned.window("night", "22:00", "08:00", t4=(1, 2)).manifest())
        apply(self._only_window(owned, "launch", "09:00", "10:00"), manager="events")
        assert self._windows(owned) == ["launch", "night"]

        apply(owned.window("night", "21:00", "08:00", t4=(1, 2)).manifest())
        assert self._windows(owned) == ["launch", "night"]

        apply(self._without_schedule(owned), manager="events")
        assert self._windows(owned) == ["night"]

    def test_neither_changes_the_window_of_the_other_by_accident(self, namespace: str) -> None:
        owned = self.base.named("merged", namespace=namespace)
        apply(owned.window("night", "22:00", "08:00", t4=(1, 2)).manifest())
        with pytest.raises(AssertionError, match=r'conflict with "team".*name="night"\]\.end'):
            apply(self._only_window(owned, "night", "22:00", "09:00"), manager="events")

    def test_pools_are_merged_by_name_too(self, namespace: str) -> None:
        owned = self.base.named("merged", namespace=namespace)
        apply(owned.manifest())
        share = {"gpuPool": "l4", "maxReplicas": 1}
        apply({**self._without_schedule(owned), "spec": {"pools": [share]}}, manager="platform")
        assert [pool["gpuPool"] for pool in stored(owned)["spec"]["pools"]] == ["a10", "t4", "l4"]

    def _only_window(self, owned: ServiceBuilder, name: str, start: str, end: str) -> Manifest:
        windows = service().window(name, start, end, a10=(1, 4)).body["schedule"]["windows"]
        return {**self._without_schedule(owned), "spec": {"schedule": {"windows": windows}}}

    def _without_schedule(self, owned: ServiceBuilder) -> Manifest:
        return {key: value for key, value in owned.manifest().items() if key != "spec"}

    def _windows(self, owned: ServiceBuilder) -> list[str]:
        return sorted(window["name"] for window in stored(owned)["spec"]["schedule"]["windows"])


class TestWhatKubectlShows:
    @pytest.mark.parametrize(
        ("resource", "columns", "wide"),
        [
            (
                "embsvc",
                "NAME READY REPLICAS WINDOW NEXT QUEUE AGE",
                "NAME READY REPLICAS WINDOW NEXT QUEUE REASON MODEL AGE",
            ),
            (
                "gpupool",
                "NAME CAPABILITY MEMORY NODES GPUS INUSE SERVICES AGE",
                "NAME CAPABILITY MEMORY PRICE NODES GPUS INUSE SERVICES AGE",
            ),
            ("scalesched", *["NAME ENFORCEMENT ZONE WINDOW NEXT SERVICES AGE"] * 2),
        ],
    )
    def test_columns(self, namespace: str, resource: str, columns: str, wide: str) -> None:
        name = f"columns-{uuid4().hex[:8]}"
        definition = next(each for each in CUSTOM_RESOURCES if resource in each.short_names)
        apply(smallest(definition, name=name, namespace=namespace))
        try:
            shown = [
                kubectl("get", resource, name, f"--namespace={namespace}", *output).splitlines()[0].split()
                for output in ((), ("--output=wide",))
            ]
            assert [" ".join(header) for header in shown] == [columns, wide]
        finally:
            kubectl("delete", resource, name, f"--namespace={namespace}", "--wait=false")

    def test_a_row_of_a_service(self, namespace: str) -> None:
        shown = service().named("shown", namespace=namespace)
        apply(shown.manifest())
        write_status(shown, reported())
        row = kubectl("get", "embsvc", "shown", f"--namespace={namespace}", "--output=wide").splitlines()[1].split()
        assert row[:-1] == [
            "shown", "True", "2/3", "night", "2026-06-04T08:00:00Z", "4.5", "Serving", "Qwen/Qwen3-Embedding-0.6B"
        ]  # fmt: skip

    def test_the_category_lists_every_kind(self) -> None:
        names = kubectl("api-resources", "--categories=embeddings", "--no-headers", "--output=name").split()
        assert sorted(names) == sorted(resource.crd_name for resource in CUSTOM_RESOURCES)

    def test_explain_knows_the_fields(self) -> None:
        explained = kubectl("explain", "embsvc.spec.schedule.windows.days")
        assert "Days on which the window opens." in explained


class TestSelectableFields:
    @pytest.mark.parametrize(
        ("selector", "selected"),
        [
            ("spec.scaling.mode=Paused", ["held"]),
            ("spec.scaling.mode=Active", ["running"]),
            ("spec.model.huggingFace.repo=BAAI/bge-m3", ["running"]),
        ],
    )
    def test_select(self, namespace: str, selector: str, selected: list[str]) -> None:
        apply(service().named("held", namespace=namespace).having(scaling={"mode": "Paused"}).manifest())
        other = {"huggingFace": {"repo": "BAAI/bge-m3"}}
        apply(service().named("running", namespace=namespace).having(model=other).manifest())
        found = kubectl("get", "embsvc", f"--namespace={namespace}", f"--field-selector={selector}", "--output=name")
        assert [name.partition("/")[2] for name in found.split()] == selected


class TestStatus:
    def test_keeps_every_field_that_the_operator_writes(self, namespace: str) -> None:
        written = service().named("kept", namespace=namespace)
        apply(written.manifest())
        write_status(written, reported())
        assert EmbeddingServiceStatus.model_validate(stored(written)["status"]) == reported()

    def test_a_write_of_the_status_leaves_the_spec_alone(self, namespace: str) -> None:
        written = service().named("apart", namespace=namespace)
        apply(written.manifest())
        before = stored(written)
        changed = deepcopy(before)
        changed["spec"]["pools"][0]["maxReplicas"] = 99
        changed["status"] = {"replicas": 7}
        kubectl("replace", "--subresource=status", "--filename=-", documents=[changed])
        after = stored(written)
        assert after["spec"] == before["spec"]
        assert after["metadata"]["generation"] == before["metadata"]["generation"]
        assert after["status"]["replicas"] == 7

    def test_a_write_of_the_spec_leaves_the_status_alone(self, namespace: str) -> None:
        written = service().named("apart", namespace=namespace)
        apply(written.manifest())
        write_status(written, reported())
        apply({**written.on("a10", maximum=9).manifest(), "status": {"replicas": 99}})
        after = stored(written)
        assert after["spec"]["pools"][0]["maxReplicas"] == 9
        assert after["status"]["replicas"] == reported().replicas

    def test_is_the_only_subresource_for_scale_would_fight_the_load_and_the_clock(self) -> None:
        served = json.loads(kubectl("get", "--raw", f"/apis/{API_VERSION}"))["resources"]
        subresources = [each["name"] for each in served if "/" in each["name"]]
        assert sorted(subresources) == sorted(f"{resource.plural}/status" for resource in CUSTOM_RESOURCES)


def write_status(built: ServiceBuilder, status: EmbeddingServiceStatus) -> None:
    body = {"status": status.model_dump(mode="json", by_alias=True, exclude_none=True)}
    within = f"--namespace={built.namespace}"
    patch = f"--patch={json.dumps(body)}"
    kubectl("patch", "embsvc", built.name, within, "--subresource=status", "--type=merge", patch)


def reported() -> EmbeddingServiceStatus:
    """Return the status of a service in its night window."""
    return EmbeddingServiceStatus(
        observed_generation=1,
        replicas=3,
        ready_replicas=2,
        ready_summary="2/3",
        url="http://shown.default.svc:8000",
        model=ModelStatus(revision="main", dtype=Dtype.FLOAT16, architecture=Architecture.DECODER, dimensions=[256]),
        pools=[PoolStatus(gpu_pool="t4", desired=3, ready=2, starting=1, tokens_per_second=4000)],
        schedule=ScheduleStatus(
            source="EmbeddingService",
            window="night",
            since=NOW,
            next_transition=datetime(2026, 6, 4, 8, tzinfo=UTC),
        ),
        decision=DecisionStatus(
            at=NOW,
            queue_requests=4.5,
            queue_tokens=450.0,
            arrival_tokens_per_second=9000.0,
            required=11250.0,
            steps=[DecisionStep(reason="RateDemand", before=0.0, after=11250.0, message="tokens per second")],
        ),
        conditions=[
            Condition(
                type=ConditionType.READY,
                status=ConditionStatus.TRUE,
                observed_generation=1,
                last_transition_time=NOW,
                reason=Reason.SERVING,
            )
        ],
    )


class TestStrictValidation:
    @pytest.mark.parametrize(
        ("fields", "unknown"),
        [
            ({"podTemplate": {"hostNetwork": True}}, "spec.podTemplate.hostNetwork"),
            ({"podTemplate": {"serviceAccountName": "admin"}}, "spec.podTemplate.serviceAccountName"),
            ({"scaling": {"queue": {"targetRequest": 8}}}, "spec.scaling.queue.targetRequest"),
            ({"pools": [{"gpuPool": "a10", "maxReplicas": 1, "max": 2}]}, "spec.pools[0].max"),
        ],
    )
    def test_an_unknown_field_is_named(self, fields: dict[str, Any], unknown: str) -> None:
        manifest = service().having(**fields).manifest()
        with pytest.raises(AssertionError, match=re.escape(f'unknown field "{unknown}"')):
            kubectl("apply", "--validate=strict", "--dry-run=server", "--filename=-", documents=[manifest])
