from pathlib import Path
from shutil import copytree

import pytest

from benchmarks.simulation import provenance


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copied = copytree(provenance.OPERATOR, tmp_path / "embedding_operator")
    monkeypatch.setattr(provenance, "OPERATOR", copied)
    return copied


def test_a_copy_elsewhere_has_the_same_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = provenance.digest()
    monkeypatch.setattr(provenance, "OPERATOR", copytree(provenance.OPERATOR, tmp_path / "embedding_operator"))
    assert provenance.digest() == here


@pytest.mark.parametrize("source", ["domain/demand.py", "simulation/kernel.py", "simulation/facts.yaml"])
def test_any_change_of_what_decides_or_is_simulated_shows(operator: Path, source: str) -> None:
    before = provenance.digest()
    with (operator / source).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert provenance.digest() != before


def test_what_is_neither_decided_nor_simulated_does_not_show(operator: Path) -> None:
    before = provenance.digest()
    with (operator / "__init__.py").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert provenance.digest() == before


def test_every_module_that_is_named_exists() -> None:
    assert all((provenance.HERE / module).is_file() for module in provenance.MODULES)
