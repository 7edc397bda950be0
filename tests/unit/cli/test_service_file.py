"""Reading a service from a file: what is read, and the errors for one that cannot be read."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.v1alpha1.gpu_pool import GPUPoolSpec
from embedding_operator.cli.errors import CommandError
from embedding_operator.cli.service_file import catalog, read_service_file

from tests.unit.cli.services import A10, NIGHT, T4, gpu_pool, service, text

MANIFEST = Path(__file__).parents[3] / "manifests/gpupools.yaml"


def test_pools_of_the_file_count_before_those_of_the_catalog() -> None:
    found = read_service_file(text(gpu_pool("a10", pricePerHour="1.5"), service(), None), origin="all.yaml")
    assert (found.name, found.stated) == ("queries", frozenset({"a10"}))
    assert not found.schedules
    assert found.gpu_pools["a10"].price_per_hour == "1.5"
    assert found.gpu_pools["t4"].price_per_hour is None


def test_what_kubectl_printed_of_several_objects_is_read_too() -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [service(), {"kind": "Namespace"}]}
    assert read_service_file(text(listed), origin="all.yaml").name == "queries"


def scheduled(name: str, **spec: Any) -> dict[str, Any]:
    windows = {"timeZone": "UTC", "windows": [NIGHT], **spec}
    return {"kind": "ScalingSchedule", "metadata": {"name": name}, "spec": windows}


TEAM = {"serviceSelector": {"matchLabels": {"team": "search"}}}
GOLD = {"namespaceSelector": {"matchLabels": {"tier": "gold"}}}
IN_SEARCH = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "search"}}}


@pytest.mark.parametrize("selector", [{}, TEAM, GOLD, IN_SEARCH, {**TEAM, **GOLD}])
def test_schedules_that_select_the_service_are_played(selector: dict[str, Any]) -> None:
    labelled = service()
    labelled["metadata"] |= {"namespace": "search", "labels": {"team": "search"}}
    namespace = {"kind": "Namespace", "metadata": {"name": "search", "labels": {"tier": "gold"}}}

    found = read_service_file(text(labelled, namespace, scheduled("nights", **selector)), origin="x")

    assert [each.name for each in found.schedules] == ["nights"]
    assert "night" in {window.name for window in found.windows()}


@pytest.mark.parametrize("selector", [TEAM, GOLD, IN_SEARCH])
def test_schedules_that_do_not_select_it_are_named(selector: dict[str, Any]) -> None:
    found = read_service_file(text(service(), scheduled("nights", **selector)), origin="x")

    assert (found.schedules, found.not_selecting) == ((), ("nights",))


def test_other_kinds_are_refused() -> None:
    with pytest.raises(CommandError) as refused:
        read_service_file(text(service(), {"kind": "Secret"}, {"kind": "Deployment"}), origin="f.yaml")

    assert str(refused.value) == (
        "f.yaml: Deployment, Secret cannot be simulated: remove it, only EmbeddingService, GPUPool, ScalingSchedule, "
        "Namespace are read"
    )


def test_the_catalog_is_what_the_manifests_install() -> None:
    installed = {
        pool["metadata"]["name"]: GPUPoolSpec.model_validate(pool["spec"])
        for pool in yaml.safe_load_all(MANIFEST.read_text(encoding="utf-8"))
    }
    assert catalog() == installed, "run `make generate`"


def windowed(*windows: dict[str, Any]) -> dict[str, Any]:
    return service(pools=[A10, T4], schedule={"timeZone": "Europe/Berlin", "windows": list(windows)})


SERVICE = "f.yaml, EmbeddingService queries"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a: [", "f.yaml, line 1: neither YAML nor JSON (expected the node content, but found '<stream end>')"),
        ("", "f.yaml: exactly one EmbeddingService is needed, found 0 (none)"),
        ("- 1", "f.yaml: exactly one EmbeddingService is needed, found 0 (none)"),
        (text(service(), service()), "f.yaml: exactly one EmbeddingService is needed, found 2 (queries, queries)"),
        ("kind: EmbeddingService", "f.yaml, EmbeddingService without a name: spec is missing"),
        (text(service(pools=[])), f"{SERVICE}: spec.pools: List should have at least 1 item"),
        (
            text(service(pools=[{**A10, "maxReplicas": "many"}])),
            f"{SERVICE}: spec.pools[0].maxReplicas: Input should be a valid integer",
        ),
        (
            text(service(pools=[{**A10, "minReplica": 1}])),
            f"{SERVICE}: spec.pools[0].minReplica: there is no such field: remove it or correct its name",
        ),
        (
            text(service(schedule={"timeZone": "Berlin", "windows": [NIGHT]})),
            f"{SERVICE}: spec.schedule.timeZone: timeZone 'Berlin' is not an IANA time zone: use a name such as",
        ),
        (
            text(service(), gpu_pool("mine", memoryGiB=0)),
            "f.yaml, GPUPool mine: spec.memoryGiB: Input should be greater than or equal to 1",
        ),
        (
            text(service(pools=[{**A10, "minReplicas": 7}])),
            "f.yaml: spec.pools[0].minReplicas: 7 is above maxReplicas, 6: lower minReplicas or raise maxReplicas",
        ),
        (
            text(windowed({**NIGHT, "pools": [{"gpuPool": "l4", "maxReplicas": 1}]})),
            "f.yaml: spec.schedule.windows[0].pools[0].gpuPool: spec.pools does not list l4: add it there",
        ),
        (
            text(windowed({**NIGHT, "asleep": True})),
            "f.yaml: spec.schedule.windows[0]: a window needs either pools or asleep: true, not both",
        ),
        (
            text(windowed({**NIGHT, "end": "22:00"})),
            "f.yaml: spec.schedule.windows[0].end: the window has no length: start and end must differ",
        ),
        (
            text(service(pools=[{**A10, "gpuPool": "b200"}])),
            (
                "f.yaml: spec.pools[0].gpuPool: there is no GPUPool b200: add a GPUPool of that name to the file, or "
                "set tokensPerSecond beside gpuPool; known GPUPools: a10, a100, a10g, h100, l4, l40s, t4"
            ),
        ),
        (
            text(service(model={"huggingFace": {"repo": "Qwen/Qwen3-Embedding-8B"}}, pools=[T4])),
            "f.yaml: spec.pools[0].gpuPool: the weights take 14.1 GiB and ",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_mend(content: str, complaint: str) -> None:
    with pytest.raises(CommandError) as raised:
        read_service_file(content, origin="f.yaml")
    assert str(raised.value).startswith(complaint)


def test_a_pool_that_states_its_speed_needs_no_gpu_pool() -> None:
    found = read_service_file(
        text(service(pools=[{**A10, "gpuPool": "b200", "tokensPerSecond": 90_000}])), origin="f.yaml"
    )
    assert "b200" not in found.gpu_pools
