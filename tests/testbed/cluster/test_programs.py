import os
from pathlib import Path

import pytest

from testbed.cluster.commands import run
from testbed.cluster.paths import tool_folder
from testbed.cluster.programs import SYSTEM_FOLDERS, environment, find_program, search_path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMBEDDING_OPERATOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _install(folder: Path, name: str, *, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {says}\n")
    program.chmod(0o755)
    return program


def test_the_cache_comes_first_then_the_path_then_system_folders(cache: Path, tmp_path: Path) -> None:
    order = search_path({"PATH": f"{tmp_path}:/bin"}).split(os.pathsep)
    assert order == [str(cache / "tools" / "bin"), str(tmp_path), "/bin", *SYSTEM_FOLDERS]


def test_a_program_of_the_cache_hides_the_machines_own(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    theirs = _install(tmp_path, "thing", says="theirs")
    assert find_program("thing") == str(theirs)
    assert run(["thing"]) == "theirs\n"
    ours = _install(tool_folder(), "thing", says="ours")
    assert cache in ours.parents
    assert find_program("thing") == str(ours)
    assert run(["thing"]) == "ours\n"
    # and the same for the programs that a program starts
    assert run(["sh", "-c", "thing"]) == "ours\n"


def test_variables_of_a_step_win() -> None:
    assert environment({"PATH": "/only", "OTHER": "1"})["PATH"] == "/only"
    assert environment({"OTHER": "1"})["OTHER"] == "1"


def test_what_is_nowhere_is_not_found() -> None:
    assert find_program("no-such-program") is None
