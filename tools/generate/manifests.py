"""manifests/: the chart's output, for installation without Helm."""

from pathlib import Path

from tools.generate.helm import Document, render

RELEASE = "embedding-operator"
NAMESPACE = "embedding-operator-system"

HEADER = "# Generated from charts/embedding-operator by `make generate`. Do not edit.\n"
NAMESPACE_DOCUMENT = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
    pod-security.kubernetes.io/warn: restricted
"""
POOLS = "templates/gpupools.yaml"


def manifest_files(helm: Path, *, chart: Path) -> dict[str, str]:
    """Return the text of each manifest by file name.

    The pools are in a separate file: kubectl can apply them only once the API server serves their CRD.
    """
    documents = render(helm, chart=chart, release=RELEASE, namespace=NAMESPACE)
    installation = [document for document in documents if document.template != POOLS]
    pools = [document for document in documents if document.template == POOLS]
    return {
        "install.yaml": joined(NAMESPACE_DOCUMENT, *map(_text, installation)),
        "gpupools.yaml": joined(*map(_text, pools)),
    }


def joined(*texts: str) -> str:
    """Return `texts` as one YAML stream."""
    return HEADER + "---\n".join(texts)


def _text(document: Document) -> str:
    return document.text
