"""README.md must be correct: its objects are valid, its commands and files exist, and it stays short."""

import re
from pathlib import Path

import pytest
import yaml
from embedding_operator.api.v1alpha1.embedding_service import EmbeddingServiceSpec

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, flags=re.DOTALL)
YAML_BLOCKS = [text for language, text in BLOCKS if language == "yaml"]
SHELL_LINES = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines() if line.strip()]


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("text", YAML_BLOCKS)
def test_its_objects_are_valid(text: str) -> None:
    document = yaml.safe_load(text)
    spec = EmbeddingServiceSpec.model_validate(document["spec"])

    assert document["kind"] == "EmbeddingService"
    assert spec.model_dump(by_alias=True, exclude_unset=True, mode="json") == document["spec"]


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {line.split()[1] for line in SHELL_LINES if line.startswith("make ")}

    assert named
    assert named <= targets


def test_the_files_that_it_names_exist() -> None:
    named = set(re.findall(r"(?:manifests|charts|benchmarks|operator|docs)/[\w./-]+", README)) | {"CONTRIBUTING.md"}

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_what_explain_says_is_a_part_of_a_saved_story() -> None:
    (shown,) = [text for language, text in BLOCKS if not language and text.startswith("Decision")]

    assert shown in (ROOT / "tests/unit/cli/stories/handover.txt").read_text(encoding="utf-8")
