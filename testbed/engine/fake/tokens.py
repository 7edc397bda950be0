"""How many tokens an input has: one for each whitespace-separated word, and two that mark start and end.

Token ids are counted as they are, as in the real engine. Short plain English words are one token for the tokenizers of
real models too, so tests with such words see equal counts from both engines.
"""

from __future__ import annotations

MARKERS = 2


def count_tokens(text: str | tuple[int, ...]) -> int:
    """Return the number of tokens of a text or of a list of token ids."""
    return len(text.split()) + MARKERS if isinstance(text, str) else len(text)
