"""Container images of one layer as archives that containerd and Docker load, written without either."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_layer(target: Path, *, programs: Mapping[str, Path], root: Path | None = None) -> None:
    """Write a layer with `programs` (path in the image → file) to `target`, on top of the archive `root` if given."""
    if root is not None:
        shutil.copyfile(root, target)
    with tarfile.open(target, "a") as archive:
        for place, source in sorted(programs.items()):
            member = archive.gettarinfo(source, arcname=place.lstrip("/"))
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mode = 0o755
            with source.open("rb") as content:
                archive.addfile(member, content)


def write_image(target: Path, *, reference: str, entrypoint: Sequence[str], layer: Path) -> None:
    """Write an image archive to `target`: one layer, the name it is loaded under, and what it runs."""
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    settings = {
        "architecture": ARCHITECTURES[os.uname().machine],
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "Env": [f"PATH={SEARCH_PATH}"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    configuration = json.dumps(settings).encode()
    configuration_name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = [{"Config": configuration_name, "RepoTags": [reference], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(target, "w") as archive:
        _add(archive, configuration_name, configuration)
        archive.add(layer, arcname=f"{digest}/layer.tar")
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
