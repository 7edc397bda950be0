"""The commands that README.md and docs/ show, for tests that run them verbatim."""

from __future__ import annotations

import re
from pathlib import Path

from testbed.cluster.paths import REPOSITORY

README = REPOSITORY / "README.md"
GATEWAY = REPOSITORY / "docs" / "gateway.md"
OPERATIONS = REPOSITORY / "docs" / "operations.md"
SCALING = REPOSITORY / "docs" / "scaling.md"


def commands(*, first: str, document: Path = README) -> list[str]:
    """Return the lines of the shell block that begins with `first`; raise `LookupError` if there is none."""
    for block in re.findall(r"```bash\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL):
        lines = [line for line in block.splitlines() if line.strip()]
        if lines[0].startswith(first):
            return lines
    message = f"{document.name} has no shell block that begins with {first!r}"
    raise LookupError(message)
