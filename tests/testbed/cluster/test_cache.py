import io
from pathlib import Path

import pytest
from rich.console import Console

from testbed.cluster.cache import Artefact, Cache
from testbed.cluster.progress import Progress


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(progress=Progress(console=Console(file=io.StringIO())), root=tmp_path)


ARTEFACT = Artefact("thing", {"version": 1})


def test_an_artefact_is_built_once(cache: Cache) -> None:
    built = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "program").write_text("x")

    first = cache.ensure(ARTEFACT, build=build)
    second = cache.ensure(ARTEFACT, build=build)
    assert first == second == cache.find(ARTEFACT)
    assert (first / "program").read_text() == "x"
    assert len(built) == 1


def test_other_inputs_are_another_artefact(cache: Cache) -> None:
    one = cache.ensure(ARTEFACT, build=lambda _: None)
    assert cache.find(Artefact("thing", {"version": 2})) is None
    two = cache.ensure(Artefact("thing", {"version": 2}), build=lambda _: None)
    assert one != two
    assert one.is_dir()


def test_a_failed_build_publishes_nothing_and_leaves_nothing(cache: Cache) -> None:
    def build(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.ensure(ARTEFACT, build=build)
    assert cache.find(ARTEFACT) is None
    assert list((cache.root / "thing").iterdir()) == []


def test_what_a_killed_build_left_is_removed_before_the_next(cache: Cache) -> None:
    leftover = cache.root / "thing" / ".unfinished-abc"
    leftover.mkdir(parents=True)
    cache.ensure(ARTEFACT, build=lambda _: None)
    assert not leftover.exists()


def test_healing_removes_unfinished_builds_and_abandoned_workspaces(cache: Cache) -> None:
    finished = cache.ensure(ARTEFACT, build=lambda _: None)
    (cache.root / "thing" / ".unfinished-abc").mkdir()
    (cache.root / "workspaces" / "image").mkdir(parents=True)
    assert sorted(cache.remove_unfinished()) == ["image", "thing"]
    assert cache.remove_unfinished() == []
    assert finished.is_dir()


def test_healing_leaves_a_running_build_alone(cache: Cache) -> None:
    with cache.workspace("image", purpose="testing") as folder:
        assert cache.remove_unfinished() == []
        assert folder.is_dir()


def test_a_workspace_starts_empty_and_is_gone_afterwards(cache: Cache) -> None:
    (cache.root / "workspaces" / "image").mkdir(parents=True)
    (cache.root / "workspaces" / "image" / "old").write_text("")
    with cache.workspace("image", purpose="testing") as folder:
        assert list(folder.iterdir()) == []
    assert not folder.exists()
