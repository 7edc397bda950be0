"""The chart rendered with each file of tests/chart/values, parsed once for all tests."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.generate.helm import Document

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "charts/embedding-operator"
VALUES = sorted((Path(__file__).parent / "values").glob("*.yaml"))
VARIANTS = tuple(path.stem for path in VALUES)
RELEASE = "embedding-operator"
NAMESPACE = "embedding-operator-system"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendering:
    """The objects of one rendering."""

    documents: tuple[Document, ...]
    objects: tuple[Body, ...]

    def of_kind(self, kind: str) -> list[Body]:
        return [body for body in self.objects if body["kind"] == kind]

    def one(self, kind: str, name: str = RELEASE) -> Body:
        (found,) = (body for body in self.of_kind(kind) if body["metadata"]["name"] == name)
        return found

    def from_template(self, name: str) -> list[Body]:
        pairs = zip(self.documents, self.objects, strict=True)
        return [body for document, body in pairs if document.template == f"templates/{name}"]

    def pod_specs(self) -> Iterator[tuple[str, Body]]:
        for body in self.objects:
            template = body.get("spec", {}).get("template", {})
            if "containers" in template.get("spec", {}):
                yield f"{body['kind']} {body['metadata']['name']}", template["spec"]


Render = Callable[[str], Rendering]


def parsed(documents: tuple[Document, ...]) -> Rendering:
    return Rendering(documents, tuple(yaml.safe_load(document.text) for document in documents))


def operator_container(rendering: Rendering) -> Body:
    (container,) = rendering.one("Deployment")["spec"]["template"]["spec"]["containers"]
    found: Body = container
    return found


def environment(rendering: Rendering) -> dict[str, str]:
    """Return the literal environment of the operator, without variables that the downward API sets."""
    return {entry["name"]: entry["value"] for entry in operator_container(rendering)["env"] if "value" in entry}
