"""The contexts of a kubeconfig: which cluster the user means, and which namespace."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from kubernetes.aio.config.kube_config import KubeConfigMerger

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One context: its name and its namespace."""

    name: str
    namespace: str = DEFAULT_NAMESPACE


class UnknownContextError(Exception):
    """The kubeconfig has no such context; the message lists those that it has, or says how to get one."""


def chosen_context(kubeconfig: Path, *, name: str | None) -> Context:
    """Return the context called `name`, or the current one; `kubeconfig` may be several files, as in KUBECONFIG."""
    if not any(Path(each).exists() for each in os.fspath(kubeconfig).split(os.pathsep)):
        message = f"there is no kubeconfig {kubeconfig}: set KUBECONFIG, or use --kubeconfig"
        raise UnknownContextError(message)
    contexts, current = _contexts(kubeconfig)
    chosen = name or current
    if chosen is None:
        message = f"{kubeconfig} has no current context: use --context with one of {_listed(contexts)}"
        raise UnknownContextError(message)
    if chosen not in contexts:
        message = f"{kubeconfig} has no context {chosen}: use one of {_listed(contexts)}"
        raise UnknownContextError(message)
    return Context(name=chosen, namespace=contexts[chosen].get("namespace") or DEFAULT_NAMESPACE)


def _contexts(kubeconfig: Path) -> tuple[dict[str, dict[str, str]], str | None]:
    """Return the contexts by name, and the name of the current one if there is one."""
    try:
        config = KubeConfigMerger(os.fspath(kubeconfig)).config.value  # type: ignore[no-untyped-call]
        contexts = {each.value["name"]: each.value["context"] for each in config["contexts"]}
    except (OSError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        message = f"{kubeconfig} cannot be used as a kubeconfig: set KUBECONFIG, or use --kubeconfig"
        raise UnknownContextError(message) from error
    return contexts, config.get("current-context") or None


def _listed(contexts: Iterable[str]) -> str:
    return ", ".join(sorted(contexts)) or "none"
