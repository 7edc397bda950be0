"""Debian root file systems as tar archives, built from Debian packages where no image registry is reachable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .cache import Artefact, Cache
from .commands import Surroundings, run_logged
from .prerequisites import ensure
from .progress import Progress
from .requirements import DEBIAN_ROOT

SUITE = "bookworm"
OPTIONS = (
    "--variant=minbase",
    # an image contains no device files: the container runtime creates them
    "--skip=output/dev",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
)
TIMEOUT_SECONDS = 900.0


def artefact_of(name: str, *, packages: Sequence[str]) -> Artefact:
    """Return the artefact of a root file system with these packages and their dependencies."""
    inputs = {"suite": SUITE, "options": list(OPTIONS), "packages": sorted(packages), "machine": os.uname().machine}
    return Artefact(name, inputs)


def debian_root(name: str, *, packages: Sequence[str], cache: Cache, progress: Progress) -> Path:
    """Return the archive of a Debian root file system with these packages, built if needed."""
    artefact = artefact_of(name, packages=packages)

    def build(folder: Path) -> None:
        ensure(DEBIAN_ROOT, progress=progress)
        argv = ["mmdebstrap", *OPTIONS, f"--include={','.join(packages)}", SUITE, str(folder / "root.tar")]
        with progress.step(f"building a Debian root file system for {name}", usual_seconds=30):
            run_logged(argv, log=cache.log_file(name), within=Surroundings(timeout_seconds=TIMEOUT_SECONDS))

    return cache.ensure(artefact, build=build) / "root.tar"
