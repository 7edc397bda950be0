"""How the models parse what users write."""

from datetime import date
from typing import Any

import pytest
from embedding_operator.api.structural import structural_schema
from embedding_operator.api.v1alpha1.base import ApiModel
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.api.v1alpha1.model import Architecture, Dtype
from embedding_operator.api.v1alpha1.pools import Allocation
from embedding_operator.api.v1alpha1.scaling import ScalingMode
from embedding_operator.api.v1alpha1.scaling_schedule import Enforcement, ScalingScheduleSpec
from embedding_operator.api.v1alpha1.schedule import ScheduleSpec, Window
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.unit.api.from_schema import accepted_by
from tests.unit.domain.schedule.zones import ZONES
from tests.world.builders import scaling_schedule, service

POOL = {"nodeSelector": {"gpu": "t4"}, "computeCapability": "7.5", "memoryGiB": 15}
WINDOW = {"name": "night", "start": "22:00", "end": "08:00", "asleep": True}


class TestDefaults:
    def test_of_the_smallest_service(self) -> None:
        spec = EmbeddingServiceSpec.model_validate(
            {
                "model": {"huggingFace": {"repo": "Qwen/Qwen3-Embedding-0.6B"}},
                "pools": [{"gpuPool": "a10", "maxReplicas": 4}],
            }
        )
        assert spec.model.hugging_face is not None
        assert spec.model.hugging_face.revision == "main"
        assert (spec.model.dtype, spec.model.architecture) == (Dtype.AUTO, Architecture.AUTO)
        assert (spec.model.context_length, spec.model.trust_remote_code) == (8192, False)
        assert spec.pools[0].min_replicas == 0
        assert spec.scaling.mode is ScalingMode.ACTIVE
        assert (spec.scaling.queue.target_requests, spec.scaling.target_utilization) == (8, 80)
        assert spec.scaling.scale_down.stabilization_seconds is None
        assert spec.allocation is Allocation.ORDERED
        assert spec.schedule is None
        gateway = spec.gateway
        assert (gateway.enabled, gateway.replicas, gateway.max_connections_per_engine) == (True, 2, None)
        assert (gateway.queue_timeout_seconds, gateway.hold_seconds, gateway.body_limit_kib) == (60, 300, 1024)
        assert gateway.api_keys_secret_ref is None

    def test_of_the_smallest_pool(self) -> None:
        spec = GPUPoolSpec.model_validate(POOL)
        assert (spec.resource.name, spec.resource.count, spec.tensor_tflops) == ("nvidia.com/gpu", 1, None)
        assert spec.price_per_hour is None

    def test_of_the_smallest_schedule_of_the_cluster(self) -> None:
        spec = ScalingScheduleSpec.model_validate({"windows": [WINDOW]})
        assert (spec.time_zone, spec.enforcement, spec.priority) == ("UTC", Enforcement.DEFAULT, 0)
        assert spec.namespace_selector.selects({}) is spec.service_selector.selects({}) is True


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert Window.model_validate({**WINDOW, "colour": "blue"}) == Window.model_validate(WINDOW)


def test_what_is_written_comes_back() -> None:
    spec = (
        service()
        .on("a10", minimum=1, maximum=6)
        .in_zone("Asia/Shanghai")
        .window("night", "22:00", "24:00", a10=(1, 2), dates=["2026-12-24"])
        .spec()
    )
    assert EmbeddingServiceSpec.model_validate(spec.model_dump(mode="json", by_alias=True)) == spec


def test_a_spec_cannot_be_changed_on_the_way() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        scaling_schedule().window("night", "22:00", "08:00").spec().time_zone = "UTC"  # type: ignore[misc]


def test_every_zone_of_the_time_zone_database_is_known() -> None:
    for zone in ZONES:
        assert ScheduleSpec.model_validate({"timeZone": zone, "windows": [WINDOW]}).time_zone == zone


def test_dates_are_days() -> None:
    assert Window.model_validate({**WINDOW, "dates": ["2028-02-29"]}).dates == [date(2028, 2, 29)]


@pytest.mark.parametrize(
    "zone", ["", "Local", "local", "+25:00", "Mars/Olympus", "../etc/passwd", "Europe", "UTC ", "Ü"]
)
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleSpec.model_validate({"timeZone": zone, "windows": [WINDOW]})
    assert [error["loc"] for error in refused.value.errors()] == [("timeZone",)]


def test_the_refusal_of_a_zone_says_what_to_write() -> None:
    with pytest.raises(
        ValidationError, match="'Mars/Olympus' is not an IANA time zone: use a name such as Europe/Berlin"
    ):
        ScheduleSpec.model_validate({"timeZone": "Mars/Olympus", "windows": [WINDOW]})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start": "24:00"}, "start"),
        ({"start": "8:00"}, "start"),
        ({"start": "08:60"}, "start"),
        ({"start": "08:00:00"}, "start"),
        ({"end": "24:01"}, "end"),
        ({"end": "25:00"}, "end"),
        ({"days": ["Monday"]}, "days"),
        ({"dates": ["2026-02-30"]}, "dates"),
        ({"dates": ["1999-12-31"]}, "dates"),
        ({"exceptDates": ["3000-01-01"]}, "exceptDates"),
        ({"exceptDates": ["24.12.2026"]}, "exceptDates"),
        ({"name": "Night"}, "name"),
        ({"name": "n" * 64}, "name"),
        ({"priority": 1001}, "priority"),
        ({"pools": [{"gpuPool": "a10", "maxReplicas": 0}]}, "pools"),
    ],
)
def test_a_window_that_the_schema_refuses_is_refused_here_too(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Window.model_validate({**WINDOW, **fields})
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


@pytest.mark.parametrize(
    "fields",
    [
        {"end": "24:00"},
        {"end": "00:00"},
        {"days": ["Mon", "Sun"]},
        {"dates": ["2000-01-01", "2999-12-31"]},
        {"name": "0-to-9"},
        {"priority": -1000},
    ],
)
def test_a_window_at_the_edge_is_accepted(fields: dict[str, Any]) -> None:
    Window.model_validate({**WINDOW, **fields})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"computeCapability": "8"}, "computeCapability"),
        ({"computeCapability": "sm_86"}, "computeCapability"),
        ({"computeCapability": "7.4"}, "computeCapability"),
        ({"computeCapability": "07.5"}, "computeCapability"),
        ({"nodeSelector": {}}, "nodeSelector"),
        ({"memoryGiB": 0}, "memoryGiB"),
        ({"resource": {"count": 0}}, "resource"),
    ],
)
def test_a_pool_that_the_schema_refuses_is_refused_here_too(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        GPUPoolSpec.model_validate({**POOL, **fields})
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


@pytest.mark.parametrize("capability", ["7.5", "7.9", "8.0", "9.0", "10.0", "12.1"])
def test_every_gpu_that_the_engine_runs_on_can_be_a_pool(capability: str) -> None:
    assert GPUPoolSpec.model_validate({**POOL, "computeCapability": capability}).compute_capability == capability


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("model", "written"),
    [
        pytest.param(model, accepted_by(structural_schema(model)), id=model.__name__)
        for model in (EmbeddingServiceSpec, GPUPoolSpec, ScalingScheduleSpec)
    ],
)
@given(data=st.data())
def test_whatever_the_schema_accepts_the_models_read(
    model: type[ApiModel], written: st.SearchStrategy[dict[str, Any]], data: st.DataObject
) -> None:
    read = model.model_validate(data.draw(written))
    assert model.model_validate(read.model_dump(mode="json", by_alias=True, exclude_none=True)) == read
