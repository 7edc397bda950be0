"""Install the real engine if need be, and print the Python that runs it: `python -m e2e.engine.real`."""

from __future__ import annotations

import sys

from e2e.cluster.errors import ClusterError
from e2e.cluster.progress import Progress

from .environment import ensure_environment


def main() -> None:
    """Print the path; what is going on goes to standard error."""
    try:
        print(ensure_environment(progress=Progress()).python)
    except ClusterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
