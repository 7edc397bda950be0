"""Write every generated file of the repository."""

import sys
from pathlib import Path

from testbed.cluster.errors import ClusterError
from tools.generate.files import generated_files
from tools.generate.helm import ensure_helm

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    """Write the files that are out of date and print their names."""
    try:
        helm = ensure_helm()
    except ClusterError as error:
        sys.exit(str(error))
    for stage in generated_files(REPOSITORY, helm=helm):
        for path, text in stage.items():
            target = REPOSITORY / path
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
                sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
