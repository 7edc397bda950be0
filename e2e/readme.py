"""The commands that README.md shows, so that tests run them as they stand there."""

from __future__ import annotations

import re

from e2e.cluster.paths import REPOSITORY

README = REPOSITORY / "README.md"


def commands(*, first: str) -> list[str]:
    """The lines of the shell block whose first line begins with `first`; raises `LookupError` if there is none."""
    for block in re.findall(r"```bash\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL):
        lines = [line for line in block.splitlines() if line.strip()]
        if lines[0].startswith(first):
            return lines
    message = f"README.md has no shell block that begins with {first!r}"
    raise LookupError(message)
