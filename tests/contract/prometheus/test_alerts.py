"""The alerts that the project ships, tested by Prometheus' own tool: each fires, and each stays silent."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.cluster.programs import find_program

CASES = Path(__file__).with_name("alerts.yaml")
RULES = Path(__file__).parents[3] / "manifests" / "prometheus" / "alerts.yaml"
DOCS = [Path(__file__).parents[3] / "docs" / name for name in ("operations.md", "gateway.md")]
ALERTS = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]

pytestmark = pytest.mark.usefixtures("prometheus_installed")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = find_program("promtool")
    assert program is not None
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_every_alert_fires_and_stays_silent_as_its_cases_say() -> None:
    done = promtool("test", "rules", CASES)

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_wrong_expression_fails_its_cases(tmp_path: Path) -> None:
    """The expression that is empty where every operator pod is gone, and with it the alert."""
    wrong = RULES.read_text().replace("absent(embsvc_leader) or sum(embsvc_leader)", "sum(embsvc_leader)")
    (tmp_path / "alerts.yaml").write_text(wrong)
    cases = CASES.read_text().replace(os.fspath(Path("../../../manifests/prometheus/alerts.yaml")), "alerts.yaml")
    (tmp_path / "cases.yaml").write_text(cases)

    done = promtool("test", "rules", tmp_path / "cases.yaml")

    assert done.returncode != 0
    assert "every operator pod is gone" in done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_has_cases_of_both_kinds_and_a_place_in_the_docs(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    cases = [
        case
        for test in yaml.safe_load(CASES.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == name
    ]

    assert any(case["exp_alerts"] for case in cases)
    others = [case for case in cases if not case["exp_alerts"]]
    is_per_service = "embedding_operator_io_service" in alert["expr"]
    assert others or is_per_service, "a per-service alert stays silent for the other services of its case"
    assert any(f"`{name}`" in docs.read_text() for docs in DOCS)
