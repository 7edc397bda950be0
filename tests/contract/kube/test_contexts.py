"""Which context of a kubeconfig of several files is meant: the one that the real kubectl takes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from embedding_operator.kube.contexts import UnknownContextError, chosen_context

pytestmark = pytest.mark.cluster

Files = dict[str, dict[str, Any] | str | None]


def config(*contexts: str, current: str | None = None, namespace: str | None = None) -> dict[str, Any]:
    """A kubeconfig with these contexts, each on a cluster of its own."""
    context = {"cluster": "x", "user": "x", **({} if namespace is None else {"namespace": namespace})}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "x", "cluster": {"server": "https://localhost:1"}}],
        "users": [{"name": "x", "user": {}}],
        "contexts": [{"name": name, "context": context} for name in contexts],
        **({} if current is None else {"current-context": current}),
    }


CASES: dict[str, Files] = {
    "the first file's current context": {"a": config("one", current="one"), "b": config("two", current="two")},
    "of the first file that has one": {"a": config("one"), "b": config("two", current="two")},
    "an empty one is none": {"a": config("one", current=""), "b": config("two", current="two")},
    "of a context in another file": {"a": config("one", current="two"), "b": config("two", namespace="search")},
    "the first definition of a name": {
        "a": config("one", namespace="first", current="one"),
        "b": config("one", namespace="second"),
    },
    "a file that does not exist": {"a": None, "b": config("two", current="two")},
    "an empty file": {"a": "", "b": config("two", current="two")},
    "no current context": {"a": config("one"), "b": config("two")},
}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES.keys())
def test_the_chosen_context_is_kubectls(tmp_path: Path, files: Files) -> None:
    paths = []
    for name, content in files.items():
        path = tmp_path / name
        paths.append(str(path))
        if content is not None:
            path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    kubeconfig = os.pathsep.join(paths)

    try:
        chosen = chosen_context(Path(kubeconfig), name=None)
        found = (chosen.name, chosen.namespace)
    except UnknownContextError:
        found = None

    assert found == kubectls_choice(kubeconfig)


def kubectls_choice(kubeconfig: str) -> tuple[str, str] | None:
    """The name and the namespace of the context that kubectl would use."""
    done = subprocess.run(
        ["kubectl", "config", "view", "--minify", "--output=json"],
        env={**os.environ, "KUBECONFIG": kubeconfig},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode != 0:
        return None
    view = json.loads(done.stdout)
    if not view["current-context"]:
        return None
    (context,) = view["contexts"]
    return context["name"], context["context"].get("namespace", "default")
