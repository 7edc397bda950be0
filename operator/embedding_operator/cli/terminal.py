"""What the command writes to a terminal. Names and messages come from a cluster or a file that others wrote."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters except the tab and the line feed, and those that reverse the direction of text."""


def printable(text: str) -> str:
    """Return `text` with characters that a terminal would obey written out as escapes."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
