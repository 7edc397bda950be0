"""The README's picture shows what the simulator says of its example."""

from tools.picture import PICTURE, caption, drawn, trial


def test_the_picture_is_that_of_the_simulated_day() -> None:
    found = trial()

    assert caption(found["played"]) in PICTURE.read_text(encoding="utf-8")
    assert drawn(found) == drawn(found)
