"""The API reads every field of the samples."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.api.crd import CUSTOM_RESOURCES

SAMPLES = sorted((Path(__file__).parents[3] / "manifests/samples").glob("*.yaml"))
DOCUMENTS = [(path.stem, document) for path in SAMPLES for document in yaml.safe_load_all(path.read_text("utf-8"))]


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_every_field_of_a_sample_is_known(name: str, document: dict[str, Any]) -> None:
    model = next(resource.spec for resource in CUSTOM_RESOURCES if resource.kind == document["kind"])
    read = model.model_validate(document["spec"])
    assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == document["spec"]
