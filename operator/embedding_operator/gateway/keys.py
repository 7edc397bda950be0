"""The API keys of clients: files of a mounted Secret, and the map in which HAProxy looks them up by hash.

A line of the map is the SHA-256 of a key in hexadecimal and the name of its client. The keys themselves stay in the
Secret.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from embedding_operator.gateway.haproxy_socket import NOT_LOADED, Conversation, Refused
from embedding_operator.gateway.plan import Command

_VERSION_FOLDER = "..data"

UNUSABLE_KEY = "an API key cannot be used: its client is refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The content of a Secret: client names by hash of key, and for each unusable key what is wrong with it."""

    clients: Mapping[str, str]
    problems: tuple[str, ...] = ()


def read_keys(folder: Path) -> Keys:
    """Return the keys in `folder`; none if there is no such folder. Raises `OSError` if a file cannot be read."""
    clients: dict[str, str] = {}
    problems = []
    # A key that two clients share belongs to the alphabetically first one, so that all gateways agree.
    for name, key in sorted(_files(folder).items()):
        problem = _problem(key)
        if problem:
            problems.append(f"the key of client {name} {problem}")
        else:
            clients.setdefault(hashlib.sha256(key).hexdigest(), name)
    return Keys(clients=clients, problems=tuple(problems))


def folder_version(folder: Path) -> str:
    """Return an identifier that changes whenever Kubernetes puts another version of the Secret into `folder`."""
    try:
        return str((folder / _VERSION_FOLDER).readlink())
    except OSError:
        return ""


def write_map(path: Path, clients: Mapping[str, str]) -> None:
    """Write the map atomically where HAProxy reads it at startup."""
    draft = path.with_name(f"{path.name}.new")
    draft.write_text("".join(f"{digest} {name}\n" for digest, name in sorted(clients.items())))
    draft.chmod(0o600)
    draft.replace(path)


def read_map(path: Path) -> dict[str, str]:
    """Return the map as last written; empty if it never was."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {digest: name for digest, _, name in (line.partition(" ") for line in lines)}


async def synchronize(conversation: Conversation, *, path: Path, clients: Mapping[str, str]) -> bool:
    """Replace HAProxy's map with `clients`, all entries at once; return whether it differed.

    Raises `Refused` if there are clients but HAProxy has no such map.
    """
    answer = await conversation.ask(f"show map {path}")
    if answer.startswith(NOT_LOADED):
        if clients:
            message = f"HAProxy has no map {path}: its configuration does not require API keys"
            raise Refused(message)
        return False
    # Each line holds the address of an entry, its key and its value.
    present = sorted(tuple(line.split(maxsplit=2)[1:]) for line in answer.splitlines() if line.strip())
    if present == sorted(clients.items()):
        return False
    version = await _prepared(conversation, path=path)
    for digest, name in sorted(clients.items()):
        await conversation.order(Command(text=f"add map @{version} {path} {digest} {name}"))
    await conversation.order(Command(text=f"commit map @{version} {path}"))
    return True


async def _prepared(conversation: Conversation, *, path: Path) -> int:
    answer = (await conversation.ask(f"prepare map {path}")).strip()
    version = answer.removeprefix("New version created: ")
    if not version.isdecimal():
        message = f"'prepare map {path}': {answer}"
        raise Refused(message)
    return int(version)


def _files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        return {}
    return {
        entry.name: entry.read_bytes().strip()
        for entry in folder.iterdir()
        if not entry.name.startswith("..") and entry.is_file()
    }


def _problem(key: bytes) -> str:
    if not key:
        return "is empty: give it a value, or remove the client from the Secret"
    if len(key.split()) > 1:
        return "contains white space, which no client can send: give it another value"
    return ""
