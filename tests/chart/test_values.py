"""The chart's values: documented, validated, and refused with a message that names the value and the fix."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import GPU_POOL

from tests.chart.rendering import CHART, NAMESPACE, RELEASE
from tools.generate.chart_readme import documented_values
from tools.generate.helm import SERVED, HelmError, render

SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES = (CHART / "values.yaml").read_text()

UNKNOWN = {
    "replicaCount=2": "additional properties 'replicaCount' not allowed",
    "image.tags=1": "additional properties 'tags' not allowed",
    "gpuPools.overrides.a10.price=1": "additional properties 'price' not allowed",
    "gpuPools.overrides.a10.pricePerHour=cheap": "pricePerHour",
    "prometheus.url=prometheus:9090": "prometheus/url",
    "prometheus.allowedAddresses={http://me:pw@prometheus}": "prometheus/allowedAddresses/0",
    "logLevel=verbose": "logLevel",
    "pollSeconds=0": "pollSeconds",
    "gpuPools.overrides.a10.computeCapability=7": "computeCapability",
    "image.digest=sha256:12": "image/digest",
    "watch.namespaces={a,a}": "watch/namespaces",
    "extraEnv[0].name=EMBEDDING_OPERATOR_WORKERS": "extraEnv/0/name",
}
CONTRADICTORY = {
    "replicas=2,leaderElection.enabled=false": "replicas is above 1 but leaderElection.enabled is false",
    "serviceAccount.create=false": "set serviceAccount.name",
    "podMonitor.enabled=true,podMonitor.renderMode=failIfMissing": "the cluster has no PodMonitors",
    "gpuPools.exclude={rtx}": 'gpuPools.exclude names "rtx", which is not shipped: use one of ',
    "gpuPools.overrides.rtx.memoryGiB=9": 'gpuPools.overrides names "rtx", which is not shipped',
    "gpuPools.overrides.t4.memoryGiB=9,gpuPools.exclude={t4}": "gpuPools.overrides.t4 has no effect",
    "gpuPools.overrides.t4.memoryGiB=9,gpuPools.install=false": "gpuPools.overrides.t4 has no effect",
}


@pytest.mark.parametrize(("setting", "message"), (UNKNOWN | CONTRADICTORY).items(), ids=str)
def test_what_makes_no_sense_is_refused(helm: Path, setting: str, message: str) -> None:
    with pytest.raises(HelmError) as refused:
        render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, settings=[setting])
    assert message in str(refused.value)


def test_pools_need_a_crd_from_somewhere(helm: Path) -> None:
    def rendering(*served: str) -> object:
        without = ["crds.enabled=false"]
        return render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, settings=without, api_versions=served)

    with pytest.raises(HelmError, match=r"the cluster does not serve GPUPools and crds\.enabled is false"):
        rendering()
    assert rendering(*SERVED)


def test_an_old_cluster_is_refused(helm: Path) -> None:
    with pytest.raises(HelmError, match="requires kubeVersion"):
        render(helm, chart=CHART, release=RELEASE, namespace=NAMESPACE, kube_version="1.31.9")


def closed(schema: Any, *, path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield every object schema that names properties, and whether it forbids others."""
    if isinstance(schema, Mapping):
        if isinstance(schema.get("properties"), Mapping):
            yield path, schema.get("additionalProperties") is False
        for key, part in schema.items():
            yield from closed(part, path=f"{path}/{key}")


def test_the_schema_is_strict_everywhere() -> None:
    schemas = dict(closed(SCHEMA))
    assert len(schemas) > 10
    assert [path for path, is_closed in schemas.items() if not is_closed] == []


def test_the_schema_knows_every_field_of_a_pool() -> None:
    spec = GPU_POOL.document()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    pool = SCHEMA["$defs"]["gpuPool"]
    assert pool["properties"].keys() == spec["properties"].keys()
    for part in ("engine", "resource"):
        assert pool["properties"][part]["properties"].keys() == spec["properties"][part]["properties"].keys()


def leaves(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the values whose children are not named by the schema."""
    for key, value in values.items():
        below = schema["properties"][key]
        if isinstance(value, Mapping) and "properties" in below and key not in {"resources", "affinity"}:
            yield from ((key, *path) for path in leaves(value, below))
        else:
            yield (key,)


def test_every_value_is_documented_and_every_documented_value_exists() -> None:
    documented = [value.path for value in documented_values(VALUES)]
    assert documented == list(leaves(yaml.safe_load(VALUES), SCHEMA))


def test_every_value_of_the_schema_has_a_default() -> None:
    values = yaml.safe_load(VALUES)
    assert SCHEMA["properties"].keys() - {"global"} == values.keys()
    for key, part in SCHEMA["properties"].items():
        if "properties" in part and key not in {"resources", "affinity"}:
            assert part["properties"].keys() == values[key].keys()
