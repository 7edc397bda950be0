"""Every golden case renders as its file says. `UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew."""

import os

import pytest
import yaml
from embedding_operator.domain.admission import problems

from tests.golden import cases


@pytest.mark.parametrize("name", cases.NAMES)
def test_renders_the_expected_objects(name: str) -> None:
    case = cases.load(name)
    text = yaml.safe_dump_all(
        [manifest.body for manifest in case.render()], sort_keys=False, width=120, allow_unicode=False
    )
    if os.environ.get("UPDATE_GOLDEN"):
        case.rendered_file.write_text(text, encoding="utf-8")
    assert text == case.rendered_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", cases.NAMES)
def test_nothing_is_wrong_with_the_service(name: str) -> None:
    case = cases.load(name)
    assert problems(case.spec, pools=case.pools) == ()
