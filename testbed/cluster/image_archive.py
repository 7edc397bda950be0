"""Single-layer container images as archives that containerd and Docker can load, written without either."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Return the part of a root file system archive whose paths match any of the patterns (`*` matches no slash)."""

    archive: Path
    patterns: tuple[str, ...]

    def __contains__(self, path: str) -> bool:
        return any(PurePosixPath(path).match(f"/{pattern}") for pattern in self.patterns)


def write_layer(target: Path, *, programs: Mapping[str, Path], root: Excerpt | None = None) -> None:
    """Write a layer with `programs` (path in the image → file) to `target`, and with the files of `root` if given."""
    with tarfile.open(target, "w") as archive:
        if root is not None:
            _copy(root, archive)
        for place, source in sorted(programs.items()):
            member = archive.gettarinfo(source, arcname=place.lstrip("/"))
            member.uid = member.gid = 0
            member.uname = member.gname = "root"
            member.mode = 0o755
            with source.open("rb") as content:
                archive.addfile(member, content)


def write_image(target: Path, *, reference: str, entrypoint: Sequence[str], layer: Path) -> None:
    """Write an image archive to `target`: one layer, the image name, and the program to run."""
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


def _copy(excerpt: Excerpt, archive: tarfile.TarFile) -> None:
    with tarfile.open(excerpt.archive) as source:
        for member in source:
            if f"/{member.name.removeprefix('./')}" in excerpt:
                archive.addfile(member, source.extractfile(member) if member.isreg() else None)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
