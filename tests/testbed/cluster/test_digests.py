from pathlib import Path

from testbed.cluster.digests import KEY_LENGTH, digest_of_tree, key_of


def test_a_key_does_not_depend_on_the_order_of_inputs() -> None:
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})


def test_a_key_changes_with_any_input() -> None:
    keys = {key_of(inputs) for inputs in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": [1]}, {"a": "1"})}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {KEY_LENGTH}


def test_a_tree_digest_sees_names_contents_and_execute_bits(tmp_path: Path) -> None:
    seen = set()
    file = tmp_path / "a"
    file.write_text("one")
    seen.add(digest_of_tree(tmp_path))
    file.write_text("two")
    seen.add(digest_of_tree(tmp_path))
    file.chmod(0o755)
    seen.add(digest_of_tree(tmp_path))
    file.rename(tmp_path / "b")
    seen.add(digest_of_tree(tmp_path))
    (tmp_path / "folder").mkdir()
    (tmp_path / "b").rename(tmp_path / "folder" / "b")
    seen.add(digest_of_tree(tmp_path))
    assert len(seen) == 5


def test_a_tree_digest_ignores_compiled_python(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("")
    before = digest_of_tree(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.pyc").write_bytes(b"\0")
    assert digest_of_tree(tmp_path) == before
