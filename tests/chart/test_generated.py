"""Generated files are up to date with `make generate`."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES

from tests.chart.rendering import REPOSITORY
from tools.generate.chart_readme import chart_readme, documented_values
from tools.generate.files import generated_files

SAMPLES = sorted((REPOSITORY / "manifests/samples").glob("*.yaml"))


def test_generated_files_are_up_to_date(helm: Path) -> None:
    stale = [
        path
        for stage in generated_files(REPOSITORY, helm=helm)
        for path, text in stage.items()
        if not (REPOSITORY / path).exists() or (REPOSITORY / path).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make generate`"


def test_nothing_else_lies_among_generated_files() -> None:
    names = {f"{resource.crd_name}.yaml" for resource in CUSTOM_RESOURCES}
    assert {path.name for path in (REPOSITORY / "crds").iterdir()} == names
    assert {path.name for path in (REPOSITORY / "charts/embedding-operator/files/crds").iterdir()} == names
    assert {path.name for path in (REPOSITORY / "manifests").iterdir()} == {
        "install.yaml",
        "gpupools.yaml",
        "prometheus",
        "samples",
    }


def test_manifests_make_a_namespace_that_enforces_restricted_pods() -> None:
    namespace = next(yaml.safe_load_all((REPOSITORY / "manifests/install.yaml").read_text()))
    assert namespace["kind"] == "Namespace"
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_valid(path: Path) -> None:
    for body in yaml.safe_load_all(path.read_text()):
        (resource,) = (resource for resource in CUSTOM_RESOURCES if resource.kind == body["kind"])
        spec = resource.spec.model_validate(body["spec"])
        assert unknown_fields(body["spec"], spec.model_dump(by_alias=True)) == []
        assert ("namespace" in body["metadata"]) is False


def unknown_fields(written: Any, read: Any, *, path: str = "spec") -> list[str]:
    """Return the fields that the model does not know."""
    if isinstance(written, list) and isinstance(read, list):
        pairs = enumerate(zip(written, read, strict=True))
        return [name for index, pair in pairs for name in unknown_fields(*pair, path=f"{path}[{index}]")]
    if not (isinstance(written, dict) and isinstance(read, dict)):
        return []
    missing = [f"{path}.{key}" for key in written if key not in read]
    known = [key for key in written if key in read]
    return missing + [name for key in known for name in unknown_fields(written[key], read[key], path=f"{path}.{key}")]


def test_readme_lists_documented_values_only() -> None:
    values = "# -- First,\n# in two lines.\nouter:\n  # no mark\n  quiet: 1\n  # -- A | B.\n  inner: [a]\n"
    assert [value.path for value in documented_values(values)] == [("outer",), ("outer", "inner")]
    text = chart_readme(chart="description: X\nkubeVersion: '>=1.32.0-0'\n", values=values)
    assert text.endswith('| `outer.inner` | `["a"]` | A \\| B. |\n')
    assert "Needs Kubernetes 1.32 or newer" in text
    assert "First, in two lines." in text
