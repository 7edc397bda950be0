from __future__ import annotations

import pytest

from testbed.installation import NAMESPACE, RELEASE, Installation, documented
from testbed.readme import OPERATIONS, commands

pytestmark = pytest.mark.kind


def test_an_upgrade_as_documented_keeps_what_was_set(installation: Installation) -> None:
    values = [f"helm get values {RELEASE} --namespace {NAMESPACE} --output json"]
    before = documented(installation.cluster, values)

    documented(installation.cluster, commands(first="helm upgrade", document=OPERATIONS))

    assert documented(installation.cluster, values) == before
