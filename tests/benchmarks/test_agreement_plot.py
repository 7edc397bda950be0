"""The plot of the replayed hour shows the cluster and the simulator, and is the same for the same curves."""

from pathlib import Path

from benchmarks.agreement_plot import draw


def test_both_are_drawn_and_equal_curves_give_equal_files(tmp_path: Path) -> None:
    one, same, other = (tmp_path / f"{name}.svg" for name in ("one", "same", "other"))
    draw(cluster=[1, 2, 3], simulator=[[1, 2, 2], [1, 3, 3]], path=one)
    draw(cluster=[1, 2, 3], simulator=[[1, 2, 2], [1, 3, 3]], path=same)
    draw(cluster=[1, 3, 3], simulator=[[1, 2, 2], [1, 3, 3]], path=other)

    text = one.read_text(encoding="utf-8")
    assert text == same.read_text(encoding="utf-8") != other.read_text(encoding="utf-8")
    assert text.count("simulator, by the second of the poll") == 1
