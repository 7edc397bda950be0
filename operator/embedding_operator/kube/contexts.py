"""The contexts of a kubeconfig: which cluster the user means, and which namespace."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One context by its name, the namespace that it works in, and the kubeconfig files that define it."""

    name: str
    namespace: str = DEFAULT_NAMESPACE
    kubeconfig: Path


class UnknownContextError(Exception):
    """The kubeconfig has no such context; the message lists those that it has, or says how to get one."""


def chosen_context(kubeconfig: Path, *, name: str | None) -> Context:
    """Return the context called `name`, or the current one; `kubeconfig` may be several files, as in KUBECONFIG.

    As with kubectl, files that do not exist or are empty are left out, and the first file that states something wins.
    """
    files = [each for each in os.fspath(kubeconfig).split(os.pathsep) if each and Path(each).exists()]
    if not files:
        message = f"there is no kubeconfig {kubeconfig}: set KUBECONFIG, or use --kubeconfig"
        raise UnknownContextError(message)
    try:
        read = {file: yaml.safe_load(Path(file).read_text(encoding="utf-8")) for file in files}
        stated = {file: config for file, config in read.items() if config is not None}
        # The first of a name wins.
        contexts = {
            each["name"]: each["context"] or {}
            for config in reversed(stated.values())
            for each in reversed(config.get("contexts") or ())
        }
        current = next((config["current-context"] for config in stated.values() if config.get("current-context")), None)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        message = f"{kubeconfig} cannot be used as a kubeconfig: set KUBECONFIG, or use --kubeconfig"
        raise UnknownContextError(message) from error
    chosen = name or current
    if chosen is None:
        message = f"{kubeconfig} has no current context: use --context with one of {_listed(contexts)}"
        raise UnknownContextError(message)
    if chosen not in contexts:
        message = f"{kubeconfig} has no context {chosen}: use one of {_listed(contexts)}"
        raise UnknownContextError(message)
    return Context(
        name=chosen,
        namespace=contexts[chosen].get("namespace") or DEFAULT_NAMESPACE,
        kubeconfig=Path(os.pathsep.join(stated)),
    )


def _listed(contexts: Iterable[str]) -> str:
    return ", ".join(sorted(contexts)) or "none"
