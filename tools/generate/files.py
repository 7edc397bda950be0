"""Which files are generated, from what, and in which order."""

from collections.abc import Iterator
from pathlib import Path

from embedding_operator.api.crd import crd_files

from tools.generate.catalog import catalog
from tools.generate.chart_readme import chart_readme
from tools.generate.manifests import manifest_files

CHART = "charts/embedding-operator"
CATALOG = "operator/embedding_operator/cli/gpupools.yaml"


def generated_files(repository: Path, *, helm: Path) -> Iterator[dict[str, str]]:
    """Yield stages of files (text by path in the repository). Write each stage before requesting the next one."""
    chart = repository / CHART
    crds = crd_files()
    yield {
        **{f"crds/{name}": text for name, text in crds.items()},
        **{f"{CHART}/files/crds/{name}": text for name, text in crds.items()},
    }
    manifests = manifest_files(helm, chart=chart)
    yield {
        f"{CHART}/README.md": chart_readme(
            chart=(chart / "Chart.yaml").read_text(encoding="utf-8"),
            values=(chart / "values.yaml").read_text(encoding="utf-8"),
        ),
        **{f"manifests/{name}": text for name, text in manifests.items()},
        CATALOG: catalog(manifests["gpupools.yaml"]),
    }
