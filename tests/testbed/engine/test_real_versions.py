"""The tests use the engine version that the project pins and whose image the operator runs."""

import tomllib
from pathlib import Path
from typing import Any

from embedding_operator.settings import DEFAULT_ENGINE_IMAGE

from testbed.engine.real.environment import REQUIREMENTS

ROOT = Path(__file__).parents[3]


def toml(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text())


def required() -> set[tuple[str, str]]:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    return {(name, version) for name, _, version in (line.partition("==") for line in lines)}


def test_every_version_is_the_locked_one() -> None:
    locked = {(package["name"], package["version"]) for package in toml("uv.lock")["package"]}
    assert required() - locked == set()


def test_the_group_pins_what_is_installed_and_run() -> None:
    pinned = {(name, version) for name, _, version in (each.partition("==") for each in groups()["engine"])}
    assert pinned <= required()
    assert ("sglang", DEFAULT_ENGINE_IMAGE.rpartition(":v")[2]) in pinned


def test_the_engine_is_never_installed_with_the_project_unasked() -> None:
    assert "default-groups" not in toml("pyproject.toml")["tool"]["uv"]


def groups() -> dict[str, list[str]]:
    listed: dict[str, list[str]] = toml("pyproject.toml")["dependency-groups"]
    return listed
