"""The chart's README.md: a table of its values, from the comments in values.yaml that start with "# --"."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]+):")
_COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")
_MARK = "-- "

HEADER = """\
# embedding-operator

{description}. Needs Kubernetes {versions} and Helm 4;
tested with Helm 4.3. Helm 4.0 cannot reinstall over objects that an uninstall kept.

```console
helm install embedding-operator charts/embedding-operator \\
  --namespace embedding-operator-system --create-namespace --wait
```

`--wait` is required on the first install: the GPUPools can be created only once the API server serves their kind.

- Upgrade with `helm upgrade`; the CRDs are upgraded with the chart.
- To change GPUPools, set `gpuPools.overrides` or edit them in the cluster; upgrades leave edited ones unchanged.
- `helm uninstall` keeps the CRDs, GPUPools, EmbeddingServices with their engines and gateways, and the ClusterRole
  that gateways need. To remove everything, delete the EmbeddingServices first, then uninstall, then delete the CRDs and
  the ClusterRole `embedding-operator-gateway`.

## Values

| value | default | meaning |
| --- | --- | --- |
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentedValue:
    """One value of the chart: its path, its default and what it means."""

    path: tuple[str, ...]
    default: Any
    meaning: str


def documented_values(values: str) -> list[DocumentedValue]:
    """Return the values that have a comment in the text of a values.yaml, in their order."""
    defaults = yaml.safe_load(values)
    return [
        DocumentedValue(path=path, default=_at(defaults, path), meaning=" ".join(comment).removeprefix(_MARK))
        for path, comment in _keys(values)
        if comment and comment[0].startswith(_MARK)
    ]


def chart_readme(*, chart: str, values: str) -> str:
    """Return the text of README.md from the texts of Chart.yaml and values.yaml."""
    about = yaml.safe_load(chart)
    versions = about["kubeVersion"].removeprefix(">=").removesuffix(".0-0")
    header = HEADER.format(description=about["description"], versions=f"{versions} or newer")
    return header + "".join(_row(value) for value in documented_values(values))


def _keys(values: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the path of each key with the comment lines right above it."""
    path: list[str] = []
    comment: list[str] = []
    for line in values.splitlines():
        if found := _COMMENT.match(line):
            comment.append(found["text"])
            continue
        if key := _KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["key"]]
            yield tuple(path), comment
        comment = []


def _at(defaults: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = defaults
    for key in path:
        found = found[key]
    return found


def _row(value: DocumentedValue) -> str:
    default = json.dumps(value.default)
    return f"| `{'.'.join(value.path)}` | `{default}` | {value.meaning.replace('|', chr(92) + '|')} |\n"
