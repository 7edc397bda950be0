import hashlib
from pathlib import Path

import pytest
from embedding_operator.gateway.keys import folder_version, read_keys, read_map, write_map

from tests.unit.gateway.secret import put_secret


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_keys_are_known_by_their_hash(tmp_path: Path) -> None:
    put_secret(tmp_path, {"search": "sk-1\n", "ads": "sk-2"})
    read = read_keys(tmp_path)
    assert read.clients == {digest("sk-1"): "search", digest("sk-2"): "ads"}
    assert read.problems == ()


def test_without_a_secret_there_are_no_keys(tmp_path: Path) -> None:
    assert read_keys(tmp_path / "missing").clients == {}


@pytest.mark.parametrize("useless", ["", " \n", "two words", "two\nlines"])
def test_a_key_that_no_client_can_send_is_a_problem_that_names_the_client(tmp_path: Path, useless: str) -> None:
    put_secret(tmp_path, {"search": useless, "ads": "sk-2"})
    read = read_keys(tmp_path)
    assert read.clients == {digest("sk-2"): "ads"}
    (problem,) = read.problems
    assert problem.startswith("the key of client search ")


def test_a_key_of_two_clients_belongs_to_the_first(tmp_path: Path) -> None:
    put_secret(tmp_path, {"new-name": "sk-1", "old-name": "sk-1"})
    assert read_keys(tmp_path).clients == {digest("sk-1"): "new-name"}


def test_the_version_changes_with_the_secret_and_only_then(tmp_path: Path) -> None:
    assert folder_version(tmp_path) == ""
    put_secret(tmp_path, {"search": "sk-1"})
    first = folder_version(tmp_path)
    assert folder_version(tmp_path) == first
    put_secret(tmp_path, {"search": "sk-2"})
    assert folder_version(tmp_path) != first


def test_the_map_holds_no_key_and_no_other_user_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys.map"
    write_map(path, {digest("sk-2"): "ads", digest("sk-1"): "search"})
    assert path.read_text().splitlines() == sorted([f"{digest('sk-1')} search", f"{digest('sk-2')} ads"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys.map"]


def test_the_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "keys.map"
    assert read_map(path) == {}
    clients = {digest("sk-2"): "ads", digest("sk-1"): "search"}
    write_map(path, clients)
    assert read_map(path) == clients
    write_map(path, {})
    assert read_map(path) == {}
