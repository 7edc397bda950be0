"""The numbers in the READMEs are those of the committed result files."""

from pathlib import Path

import pytest

from benchmarks import tables

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = tables.tables()


@pytest.mark.parametrize("path", sorted(WRITTEN))
def test_a_readme_shows_what_was_measured(path: str) -> None:
    shown = tables.BETWEEN.findall((ROOT / path).read_text(encoding="utf-8"))

    assert shown == [WRITTEN[path]], "run: python -m benchmarks tables"


def test_update_replaces_what_is_between_the_marks_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    for path in WRITTEN:
        (tmp_path / path).write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n", encoding="utf-8")

    changed = tables.update(tmp_path)

    assert changed == [tmp_path / path for path in WRITTEN]
    for path, table in WRITTEN.items():
        expected = f"before\n{tables.BEGIN}\n{table}{tables.END}\nafter\n"
        assert (tmp_path / path).read_text(encoding="utf-8") == expected
    assert tables.update(tmp_path) == []
