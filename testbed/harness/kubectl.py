"""kubectl against the test cluster, whose KUBECONFIG is in the environment."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any

SECONDS = 60


def kubectl(*arguments: str, documents: Sequence[dict[str, Any]] = ()) -> str:
    """Return what kubectl prints; `documents` go to its standard input. Fail the test if kubectl fails."""
    finished = subprocess.run(
        ["kubectl", f"--request-timeout={SECONDS}s", *arguments],
        input="\n---\n".join(json.dumps(document) for document in documents),
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * SECONDS,
    )
    assert finished.returncode == 0, f"kubectl {' '.join(arguments)}\n{finished.stderr}"
    return finished.stdout
