"""Values in templates: whatever they contain, they stay values."""

import re
from pathlib import Path

import pytest
from embedding_operator.rendering import template
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

TEMPLATES = sorted((Path(template.__file__).parent / "templates").glob("*.yaml.j2"))

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

HOSTILE = [
    "yes",
    "no",
    "null",
    "~",
    "1e3",
    "0x10",
    "2024-01-01",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "a: b",
    "- a",
    "# no comment",
    "*anchor",
    "&anchor",
    "!!python/object/apply:os.system",
    "---\n...\n",
    "quote \" and ' and \\",
    "\\ud83d",
    "line\u2028separator\u2029and\x85next",
    "\t\r\n\x00\x7f\x9f\ufeff\uffff",
    "😀",
    "<script>&amp;",
    "\x1b[31m",
    "",
]


def written(value: object) -> object:
    """Return a value as a template renders it."""
    values: dict[str, object] = dict.fromkeys(("namespace", "labels", "owners", "selector"))
    return template.render("poddisruptionbudget.yaml.j2", **{**values, "name": value})["metadata"]["name"]


@given(value=values)
def test_every_value_comes_out_as_it_went_in(value: object) -> None:
    assert written(value) == value


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_out_as_they_went_in(text: str) -> None:
    assert written({text: [text]}) == {text: [text]}


def test_a_document_shares_nothing_with_its_values() -> None:
    labels = {"a": ["b"]}
    document = written(labels)
    assert document == labels
    assert document is not labels
    labels["a"].append("c")
    assert document == {"a": ["b"]}


def test_two_documents_of_one_template_share_nothing() -> None:
    values: dict[str, object] = dict.fromkeys(("name", "namespace", "labels", "owners", "selector"))
    first = template.render("poddisruptionbudget.yaml.j2", **values)
    first["spec"]["selector"]["more"] = "changed"
    assert "more" not in template.render("poddisruptionbudget.yaml.j2", **values)["spec"]["selector"]


@pytest.mark.parametrize("missing", ["name", "namespace", "selector"])
def test_a_value_that_is_missing_is_an_error(missing: str) -> None:
    values: dict[str, object] = dict.fromkeys(("name", "namespace", "labels", "owners", "selector"))
    del values[missing]
    with pytest.raises(UndefinedError, match=f"'{missing}' is undefined"):
        template.render("poddisruptionbudget.yaml.j2", **values)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_value_passes_the_filter(path: Path) -> None:
    expressions = re.findall(r"{{(.*?)}}", path.read_text(encoding="utf-8"))
    assert expressions
    assert all(expression.rstrip().endswith("| value") for expression in expressions)
