"""Every golden case renders as its file says. `UPDATE_GOLDEN=1 pytest tests/golden` rewrites the files."""

import os
from typing import Any

import pytest
import yaml
from embedding_operator.domain.admission.checks import problems
from embedding_operator.rendering.manifest import Manifest
from embedding_operator.rendering.names import CONFIG

from tests.golden import cases


def without_configuration(manifest: Manifest) -> dict[str, Any]:
    """Return a body without HAProxy's files, which tests/contract/gateway_config checks with the real HAProxy."""
    body = manifest.body
    match manifest.kind:
        case "ConfigMap":
            return {**body, "data": dict.fromkeys(body["data"], "see tests/contract/gateway_config")}
        case "Deployment" if CONFIG in body["spec"]["template"]["metadata"]["annotations"]:
            body["spec"]["template"]["metadata"]["annotations"][CONFIG] = "digest"
    return body


@pytest.mark.parametrize("name", cases.NAMES)
def test_renders_the_expected_objects(name: str) -> None:
    case = cases.load(name)
    bodies = [without_configuration(manifest) for manifest in case.render()]
    text = yaml.safe_dump_all(bodies, sort_keys=False, width=120, allow_unicode=False)
    if os.environ.get("UPDATE_GOLDEN"):
        case.rendered_file.write_text(text, encoding="utf-8")
    assert text == case.rendered_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", cases.NAMES)
def test_nothing_is_wrong_with_the_service(name: str) -> None:
    case = cases.load(name)
    assert problems(case.spec, pools=case.pools) == ()
