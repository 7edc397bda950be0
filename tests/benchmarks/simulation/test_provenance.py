import ast
from pathlib import Path
from shutil import copytree

import pytest

from benchmarks.simulation import provenance
from benchmarks.simulation.results import Kind


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = copytree(provenance.OPERATOR, tmp_path / "embedding_operator")
    monkeypatch.setattr(provenance, "OPERATOR", copied)
    return copied


@pytest.mark.parametrize("kind", Kind)
def test_a_copy_elsewhere_has_the_same_digest(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = provenance.digest(kind)
    monkeypatch.setattr(provenance, "OPERATOR", copytree(provenance.OPERATOR, tmp_path / "embedding_operator"))
    assert provenance.digest(kind) == here


@pytest.mark.parametrize(
    ("source", "concerned"),
    [
        ("__init__.py", set()),
        ("domain/demand.py", {Kind.OURS, Kind.ABLATION}),
        ("simulation/telemetry.py", {Kind.OURS, Kind.ABLATION}),
        ("simulation/kernel.py", set(Kind)),
        ("simulation/facts.yaml", set(Kind)),
    ],
)
def test_a_change_shows_in_the_runs_that_it_concerns(operator: Path, source: str, concerned: set[Kind]) -> None:
    before = provenance.origin().code
    with (operator / source).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    after = provenance.origin().code
    assert {kind for kind in Kind if before[kind] != after[kind]} == concerned


def test_nothing_else_in_the_simulator_needs_what_only_ours_does() -> None:
    package = "embedding_operator"
    own = tuple(f"{package}.{name.removesuffix('.py').strip('/').replace('/', '.')}" for name in provenance.OURS)
    for path in (provenance.OPERATOR / "simulation").rglob("*.py"):
        if path.relative_to(provenance.OPERATOR).as_posix() in provenance.OURS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            imported = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            imported += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in imported if f"{name}.".startswith(tuple(f"{each}." for each in own))], path


def test_every_module_that_is_named_exists() -> None:
    assert all((provenance.HERE / module).is_file() for module in provenance.MODULES)
    assert all((provenance.OPERATOR / source).exists() for source in provenance.OURS)
