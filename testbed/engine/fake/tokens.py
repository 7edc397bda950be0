"""How many tokens an input has: one for each word between white space, and the two that mark start and end.

Token ids are counted as they are, like in the real engine. Plain short English words are one token for the tokenizers
of real models too, so that tests with such words see equal counts from both engines.
"""

from __future__ import annotations

MARKERS = 2


def count_tokens(text: str | tuple[int, ...]) -> int:
    """Tokens of a text or of a list of token ids."""
    return len(text.split()) + MARKERS if isinstance(text, str) else len(text)
