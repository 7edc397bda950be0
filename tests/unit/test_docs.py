"""docs/ must be correct and complete: reasons, errors, fields with their defaults, metrics, and files."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from embedding_operator.api.v1alpha1.conditions import ConditionType, Reason
from embedding_operator.api.v1alpha1.gateway import GatewaySpec
from embedding_operator.api.v1alpha1.gpu_pool import PoolEngine
from embedding_operator.gateway.metrics import Metrics
from embedding_operator.rendering import gateway_errors
from embedding_operator.telemetry.exporter import Exporter

from testbed.readme import GATEWAY, OPERATIONS, SCALING

ROOT = Path(__file__).resolve().parents[2]
SECURITY_TEXT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
GATEWAY_TEXT, OPERATIONS_TEXT, SCALING_TEXT = (
    path.read_text(encoding="utf-8") for path in (GATEWAY, OPERATIONS, SCALING)
)


def code(text: str) -> set[str]:
    """Return the texts between single backquotes."""
    return set(re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text))


def test_every_condition_and_every_reason_is_explained() -> None:
    words = code(OPERATIONS_TEXT)

    assert {str(kind) for kind in ConditionType} - words == set()
    assert {str(reason) for reason in Reason} - words == set()


def test_no_reason_is_explained_that_does_not_exist() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (?:True|False|Unknown) \|", OPERATIONS_TEXT, flags=re.MULTILINE)
    explained = {name for row in rows for name in code(row)}

    assert explained
    assert explained - {str(reason) for reason in Reason} == set()


def test_every_error_of_the_gateway_is_explained() -> None:
    specific = (gateway_errors.HEADERS_TOO_LARGE, gateway_errors.WRONG_TYPE, gateway_errors.UNEXPECTED_BODY)
    inspected = (gateway_errors.REFUSED_INPUT, gateway_errors.NOT_INSPECTED)
    errors = [*gateway_errors.BY_STATUS.values(), *specific, *inspected]

    assert {error.code for error in errors} - code(GATEWAY_TEXT) == set()
    assert all(str(error.status) in GATEWAY_TEXT for error in errors)


def test_every_field_of_the_gateway_stands_there_with_its_default() -> None:
    settings = GATEWAY_TEXT.partition("## Settings")[2].partition("## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", settings, flags=re.MULTILINE))
    defaults = GatewaySpec().model_dump(by_alias=True, mode="json")

    assert rows.keys() == defaults.keys()
    plain = {name: value for name, value in defaults.items() if isinstance(value, bool | int)}
    assert {name: rows[name] for name in plain} == {name: f"`{str(plain[name]).lower()}`" for name in plain}


def test_the_operators_metrics_stand_there_and_no_others() -> None:
    families = {metric.name for metric in Exporter(version="1").registry.collect()}
    named = {re.sub(r"_total$", "", name) for name in re.findall(r"embsvc_\w+", OPERATIONS_TEXT)}

    assert named == {name for name in families if name.startswith("embsvc_")}


def test_the_agents_metrics_stand_there_and_no_others() -> None:
    families = set(re.findall(r"^# TYPE (\w+) ", Metrics().exposition().decode(), flags=re.MULTILINE))

    assert set(re.findall(r"embedding_gateway_\w+", GATEWAY_TEXT)) == {
        name for name in families if not name.endswith("_created")
    }


@pytest.mark.parametrize(
    "text", [GATEWAY_TEXT, OPERATIONS_TEXT, SCALING_TEXT], ids=["gateway", "operations", "scaling"]
)
def test_files_that_are_named_exist(text: str) -> None:
    named = set(re.findall(r"(?:manifests|charts|operator)/[\w./-]+\w", text))
    linked = {link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link}

    assert named | linked
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in linked if not (GATEWAY.parent / link).exists()] == []


def test_python_that_is_shown_is_python() -> None:
    blocks = re.findall(r"^( *)```python\n(.*?)```", GATEWAY_TEXT, flags=re.DOTALL | re.MULTILINE)

    assert blocks
    for indent, block in blocks:
        ast.parse("\n".join(line.removeprefix(indent) for line in block.splitlines()))


def test_the_story_that_is_shown_is_one_that_is_told() -> None:
    shown = SCALING_TEXT.partition("--namespace search\n")[2].partition("```")[0]
    told = (ROOT / "tests" / "unit" / "cli" / "stories" / "handover.txt").read_text(encoding="utf-8")

    parts = shown.split("...\n")
    assert len(parts) == 2
    assert all(part in told for part in parts)


def test_the_report_that_is_shown_is_one_that_is_told() -> None:
    shown = SCALING_TEXT.partition("## Try it first")[2].partition("```\nCost and latency")[2].partition("```")[0]
    told = (ROOT / "tests" / "unit" / "cli" / "trials" / "day-and-night.txt").read_text(encoding="utf-8")

    parts = shown.split("...\n")
    assert len(parts) == 2
    assert all(part in told for part in parts)


def test_the_folders_and_files_of_the_architecture_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    places = [ROOT, ROOT / "operator/embedding_operator", ROOT / "operator/embedding_operator/domain"]
    named = {word for word in code(text) if re.fullmatch(r"[\w./-]+/|[\w/-]+\.(?:py|j2|lua)|tests/\w+", word)}
    named -= {"gateway.lua"}

    assert len(named) > 40
    assert {word for word in named if not any((place / word).exists() for place in places)} == set()


def test_every_room_of_the_domain_is_in_the_architecture() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {path.parent.name for path in (ROOT / "operator/embedding_operator/domain").glob("*/__init__.py")}

    assert rooms
    assert {f"{room}/" for room in rooms} - code(text) == set()


def test_the_page_on_security_names_values_of_the_chart_and_fields_that_exist() -> None:
    values = yaml.safe_load((ROOT / "charts/embedding-operator/values.yaml").read_text(encoding="utf-8"))
    named = [name for name in code(SECURITY_TEXT) if name.split(".")[0] in values and "." in name and " " not in name]
    pool_fields = {"engine.shareVolumes", "engine.allowOwnEngines"}

    assert pool_fields <= set(named)
    for name in set(named) - pool_fields:
        section, value = name.split(".")
        assert value in values[section], name
    assert {name.partition(".")[2] for name in pool_fields} <= PoolEngine.model_json_schema()["properties"].keys()
