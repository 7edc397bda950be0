"""Install the real engine if needed, and print the path of the Python that runs it: `python -m testbed.engine.real`."""

from __future__ import annotations

import sys

from testbed.cluster.errors import ClusterError
from testbed.cluster.progress import Progress

from .environment import ensure_environment


def main() -> None:
    """Print the path; progress goes to standard error."""
    try:
        print(ensure_environment(progress=Progress()).python)
    except ClusterError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
