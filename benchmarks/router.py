"""sglang-router from PyPI, in its own virtual environment that is created once."""

import os
from pathlib import Path

from testbed.cluster.cache import Artefact, Cache
from testbed.cluster.commands import Surroundings, run_logged
from testbed.cluster.prerequisites import ensure
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import UV

VERSION = "0.3.2"
REQUIREMENT = f"sglang-router=={VERSION}"
PYTHON = "3.11"
INSTALL_SECONDS = 10.0
TIMEOUT_SECONDS = 600.0


def ensure_router(*, progress: Progress) -> Path:
    """Return the Python interpreter that has the router, which is installed first if needed."""
    cache = Cache(progress=progress)
    artefact = Artefact("sglang-router", {"requirement": REQUIREMENT, "python": PYTHON, "machine": os.uname().machine})
    log, within = cache.log_file(artefact.name), Surroundings(timeout_seconds=TIMEOUT_SECONDS)

    def build(folder: Path) -> None:
        with progress.step(f"installing {REQUIREMENT}", usual_seconds=INSTALL_SECONDS):
            # Relocatable, as the folder gets its final name only once it is complete.
            venv = ["uv", "venv", "--relocatable", "--allow-existing", "--python", PYTHON, str(folder)]
            run_logged(venv, log=log)
            run_logged(["uv", "pip", "install", f"--python={_python(folder)}", REQUIREMENT], log=log, within=within)

    ensure((UV,), progress=progress)
    return _python(cache.ensure(artefact, build=build))


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
