"""The Helm program, and the chart as it renders."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster.progress import Progress
from testbed.cluster.toolbox import Toolbox

SERVED = ("embedding-operator.io/v1alpha1/GPUPool",)
"""API versions that a cluster serves once the CRDs are installed; Helm alone cannot know them."""

_SOURCE = re.compile(r"# Source: [^/]+/(?P<template>\S+)\n")


class HelmError(Exception):
    """Helm failed; the message is Helm's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One object that the chart renders: the template it comes from and its YAML."""

    template: str
    text: str


def ensure_helm() -> Path:
    """Return the path of the pinned Helm, which is put into the cache if it is not there."""
    return Toolbox(progress=Progress()).program("helm")


def run_helm(helm: Path, *arguments: str) -> str:
    """Return what `helm ARGUMENTS` prints; raise `HelmError` with its error output."""
    finished = subprocess.run([helm, *arguments], capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    if finished.returncode:
        raise HelmError(finished.stderr.strip() or finished.stdout.strip())
    return finished.stdout


def render(
    helm: Path,
    *,
    chart: Path,
    release: str,
    namespace: str,
    kube_version: str = "1.36.0",
    api_versions: Sequence[str] = SERVED,
    values: Sequence[Path] = (),
    settings: Sequence[str] = (),
) -> tuple[Document, ...]:
    """Return the objects of the chart in the order in which Helm installs them; `settings` are `--set` arguments."""
    options = [f"--namespace={namespace}", f"--kube-version={kube_version}"]
    options += [f"--api-versions={name}" for name in api_versions]
    options += [f"--values={path}" for path in values]
    options += [f"--set={setting}" for setting in settings]
    return tuple(documents_of(run_helm(helm, "template", release, str(chart), *options)))


def documents_of(output: str) -> list[Document]:
    """Split what `helm template` prints into its objects."""
    documents = []
    for part in re.split(r"^---\n", output, flags=re.MULTILINE):
        source = _SOURCE.match(part)
        if source is not None:
            documents.append(Document(template=source["template"], text=part[source.end() :].strip() + "\n"))
    return documents
