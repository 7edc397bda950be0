"""A Secret as the kubelet mounts it: files behind a symbolic link that is replaced atomically."""

from collections.abc import Mapping
from itertools import count
from pathlib import Path

_VERSIONS = count()


def put_secret(folder: Path, values: Mapping[str, str | bytes]) -> None:
    """Switch `folder` to another version of the Secret."""
    folder.mkdir(exist_ok=True)
    version = folder / f"..2026_11_21_{next(_VERSIONS)}"
    version.mkdir()
    for name, value in values.items():
        (version / name).write_bytes(value if isinstance(value, bytes) else value.encode())
    link = folder / "..data_tmp"
    link.symlink_to(version.name)
    link.replace(folder / "..data")
    for stale in folder.iterdir():
        if not stale.name.startswith("..") and stale.name not in values:
            stale.unlink()
    for name in values:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
