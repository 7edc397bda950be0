"""Result files: JSON with the machine, the date and the commit beside the values."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import machine

RESULTS = Path(__file__).parent / "results"


def write(name: str, figures: Mapping[str, object], *, folder: Path = RESULTS) -> Path:
    """Write `figures` to `<folder>/<name>.json` and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    document = {"machine": machine(), "measured": datetime.now(UTC).date().isoformat(), "commit": commit(), **figures}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile; `share` from 0 to 1."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, round(share * len(ranked) + 0.5) - 1))]


def commit() -> str:
    """Return the short hash of the commit that is checked out."""
    finished = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return finished.stdout.strip() or "unknown"
