"""What the operator did in all tests of this folder took the permissions that it has, and no other one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed.cluster.audit import Right, rights
from testbed.cluster.control_plane import ControlPlane
from testbed.harness.installation import ACCOUNT, NAMESPACE, USERNAME
from testbed.harness.kubectl import kubectl
from testbed.harness.operator_process import OperatorProcess

pytestmark = pytest.mark.cluster

HERE = Path(__file__).parent

RARE_VERBS = {
    "get": "an object is read again after a write that conflicts",
    "delete": "children go with their service; the operator deletes those that a change of the spec leaves",
    "bind": "checked where a binding is written",
}
RARE = {
    Right("embedding-operator.io", "embeddingservices/finalizers", "update"): "checked where children have owners",
    Right("coordination.k8s.io", "leases", "create"): "once in the life of a cluster",
    Right("events.k8s.io", "events", "patch"): "an Event that repeats",
}
"""Permissions that a run need not show, and what takes them."""


@pytest.fixture
def whole_folder(request: pytest.FixtureRequest) -> None:
    """Skip where only some tests run: the others would be the evidence."""
    run = {item.path for item in request.session.items}
    if not set(HERE.glob("test_*.py")) <= run:
        pytest.skip("not all integration tests are part of this run")


def granted() -> Iterator[Right]:
    """Yield what the operator's roles permit."""
    roles: list[dict[str, Any]] = [
        json.loads(kubectl("get", "clusterrole", ACCOUNT, "--output=json")),
        json.loads(kubectl("get", "role", f"{ACCOUNT}-lease", f"--namespace={NAMESPACE}", "--output=json")),
    ]
    for rule in (rule for role in roles for rule in role["rules"]):
        for group in rule.get("apiGroups", ()):
            for resource in rule.get("resources", ()):
                yield from (Right(group, resource, verb) for verb in rule["verbs"])


def test_permissions_are_used_and_none_is_missing(whole_folder: None, operator: OperatorProcess) -> None:
    with ControlPlane().audit_log.open() as log:
        done = rights(log, username=USERNAME)
    usual = {right for right in granted() if right.verb not in RARE_VERBS and right not in RARE}

    assert sorted(done.denied) == [], "the operator asked for what no role grants"
    assert sorted(usual - done.used) == [], "nothing takes these: do not grant them, or say here what does"
