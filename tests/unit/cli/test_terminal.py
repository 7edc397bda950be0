import unicodedata

import pytest
from embedding_operator.cli.terminal import printable
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("plain, ä, 日本\tand a\nline", "plain, ä, 日本\tand a\nline"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J\r\x7f", "\\x9b2J\\r\\x7f"),
        ("a\u202eb", "a\\u202eb"),
    ],
)
def test_a_terminal_obeys_nothing_that_others_wrote(text: str, printed: str) -> None:
    assert printable(text) == printed


@given(st.text())
@example("\u2066")
def test_no_control_character_is_left(text: str) -> None:
    assert not any(unicodedata.category(each) == "Cc" and each not in "\n\t" for each in printable(text))
