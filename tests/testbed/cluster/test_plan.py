import io
import threading
from pathlib import Path

import pytest

from testbed.cluster.errors import PrerequisiteError
from testbed.cluster.plan import Item, check_disk, missing_items, prepare, summary, total_seconds
from testbed.cluster.progress import Progress


def _item(title: str, *, seconds: float = 1, gigabytes: float = 0, after: tuple[str, ...] = ()) -> Item:
    return Item(title, seconds, gigabytes, make=lambda: None, after=after)


def _kept(title: str, made: list[str], *, after: tuple[str, ...] = ()) -> Item:
    return Item(title, 1, 0, make=lambda: made.append(title), is_there=lambda: title in made, after=after)


def test_what_is_there_is_not_made_again(progress: Progress, output: io.StringIO) -> None:
    made: list[str] = ["old"]
    items = [_kept("old", made), _kept("new", made)]
    prepare(items, progress=progress)
    assert made == ["old", "new"]
    said = output.getvalue()
    prepare(items, progress=progress)
    assert made == ["old", "new"]
    assert output.getvalue() == said


def test_what_comes_after_a_missing_item_is_missing_without_a_look() -> None:
    def must_not_be_asked() -> bool:
        raise AssertionError

    later = Item("later", 1, 0, make=lambda: None, is_there=must_not_be_asked, after=("first",))
    assert [item.title for item in missing_items([_item("first"), later])] == ["first", "later"]


def test_an_item_waits_for_what_it_comes_after(progress: Progress) -> None:
    made: list[str] = []
    items = [_kept("cluster", made, after=("image", "program")), _kept("image", made), _kept("program", made)]
    prepare(items, progress=progress, workers=3)
    assert made[-1] == "cluster"
    assert sorted(made) == ["cluster", "image", "program"]


def test_items_are_made_side_by_side(progress: Progress) -> None:
    together = threading.Barrier(2)

    def meet() -> None:
        together.wait(timeout=5)

    prepare([Item("one", 1, 0, make=meet), Item("two", 1, 0, make=meet)], progress=progress, workers=2)


def test_the_first_error_ends_it_and_nothing_more_is_begun(progress: Progress, output: io.StringIO) -> None:
    made: list[str] = []

    def fail() -> None:
        message = "no network"
        raise PrerequisiteError(message)

    items = [Item("fetching", 1, 0, make=fail), _kept("building", made, after=("fetching",)), _kept("other", made)]
    with pytest.raises(PrerequisiteError, match="no network"):
        prepare(items, progress=progress, workers=1)
    assert made == []
    assert "[1/3] fetching: failed after" in output.getvalue()


def test_the_start_says_what_how_long_and_how_much_and_each_line_how_far(
    progress: Progress, output: io.StringIO
) -> None:
    prepare([_item("one", seconds=90, gigabytes=4.2), _item("two", seconds=30, after=("one",))], progress=progress)
    first, *names, one, two, last = output.getvalue().splitlines()
    assert first.startswith("2 steps to prepare first: about 2 min 0 s and 4.2 GB of disk; builds are kept in ")
    assert names == ["  one", "  two"]
    assert one == "[1/2] one: 0.0 s (usually 90 s)"
    # the first step took no time, so this machine seems faster than the reference
    assert two == "[2/2] two: 0.0 s (usually 17 s)"
    assert last == "prepared in 0.0 s"


def test_a_plan_without_disk_names_none(progress: Progress) -> None:
    assert "GB" not in summary([_item("one")], progress=progress, workers=1)


def test_the_estimate_knows_what_runs_side_by_side() -> None:
    items = [_item("a", seconds=50), _item("b", seconds=30), _item("c", seconds=30), _item("d", after=("a",))]
    assert total_seconds(items, usual=lambda item: item.seconds, workers=2) == 60
    assert total_seconds(items, usual=lambda item: item.seconds, workers=4) == 51
    assert total_seconds(items, usual=lambda item: item.seconds, workers=1) == 111


def test_a_full_disk_is_named_with_the_way_out(tmp_path: Path) -> None:
    check_disk([_item("small", gigabytes=0.001)], folder=tmp_path / "not" / "there" / "yet")
    with pytest.raises(PrerequisiteError, match=r"needs 1000000\.0 GB of disk.*EMBEDDING_OPERATOR_CACHE"):
        check_disk([_item("large", gigabytes=1e6)], folder=tmp_path)
