"""Reading a few metrics from a page in the Prometheus text format."""

import math
import re
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from embedding_operator.telemetry import exposition
from embedding_operator.telemetry.exposition import Line, read_metrics
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.parser import text_string_to_metric_families

NAME = "sglang:active"


def read(page: str) -> list[Line]:
    return list(read_metrics(page, names=(NAME,))[NAME])


@pytest.mark.parametrize(
    ("line", "labels", "value"),
    [
        ("sglang:active 3", {}, 3.0),
        ("sglang:active{} 3.5", {}, 3.5),
        (
            'sglang:active{endpoint="/v1/embeddings",method="POST"} 7',
            {"endpoint": "/v1/embeddings", "method": "POST"},
            7,
        ),
        ('sglang:active{a="1",} 2 1395066363000', {"a": "1"}, 2),
        ('sglang:active { a = "1" }  2', {"a": "1"}, 2),
        ('sglang:active{path="/responses/{id}"} 2', {"path": "/responses/{id}"}, 2),
        (r'sglang:active{text="a \"quoted\" \\ and\na line"} 2', {"text": 'a "quoted" \\ and\na line'}, 2),
        ('sglang:active{text="a=1,b} 9"} 2', {"text": "a=1,b} 9"}, 2),
        ("sglang:active 1.5e+06", {}, 1.5e6),
        ("sglang:active +Inf", {}, math.inf),
        ("sglang:active -Inf", {}, -math.inf),
    ],
)
def test_a_line_is_read(line: str, labels: dict[str, str], value: float) -> None:
    assert read(f"{line}\n") == [Line(labels, value)]


def test_not_a_number_is_a_value() -> None:
    (line,) = read("sglang:active NaN\n")
    assert math.isnan(line.value)


@pytest.mark.parametrize(
    "line",
    [
        "# TYPE sglang:active gauge",
        "sglang:active_too 3",
        "sglang:active",
        "sglang:active many",
        'sglang:active{a="1" 3',
        'sglang:active{a="never closed',
        'sglang:active{a="1"}3',
        "sglang:active" + " " * 100_000,
        "sglang:active " + "9" * 100_000,
        "sglang:active{" + "a" * 100_000,
        'sglang:active{a="' + "\\" * 100_000,
        " sglang:active 3",
        "other sglang:active 3",
        "",
    ],
)
def test_other_lines_are_left_out(line: str) -> None:
    assert read(f"{line}\nsglang:active 1\n") == [Line({}, 1.0)]


def test_metrics_are_kept_apart_and_in_order() -> None:
    page = 'b{x="1"} 1\na 2\nb{x="2"} 3\nab 4\n'
    assert read_metrics(page, names=("a", "b", "c")) == {
        "a": [Line({}, 2.0)],
        "b": [Line({"x": "1"}, 1.0), Line({"x": "2"}, 3.0)],
        "c": [],
    }


label_values = st.text(st.characters(blacklist_categories=["Cs"]), max_size=20)


@given(st.dictionaries(st.tuples(label_values, label_values), st.floats(), max_size=5))
def test_it_reads_what_the_official_client_writes_as_the_official_client_does(
    values: dict[tuple[str, str], float],
) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("sglang:active", "Text with \\ and\nlines.", ["first", "second"], registry=registry)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    page = generate_latest(registry).decode()
    expected = [
        (sample.labels, sample.value) for family in text_string_to_metric_families(page) for sample in family.samples
    ]
    assert [(line.labels, repr(line.value)) for line in read(page)] == [
        (labels, repr(float(value))) for labels, value in expected
    ]


@given(st.text(max_size=200))
def test_no_page_raises(page: str) -> None:
    read(page)
    read(f"sglang:active{page}\n")


PATTERNS = {name: each for name, each in vars(exposition).items() if isinstance(each, re.Pattern)}
BACKTRACKING = {"MAX_REPEAT", "MIN_REPEAT", "BRANCH"}


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=PATTERNS.keys())
def test_a_pattern_never_goes_back_over_what_it_matched(pattern: re.Pattern[str]) -> None:
    """No repetition that gives characters back: the work of a match is at most its length."""
    assert _operations(_parser.parse(pattern.pattern)) & BACKTRACKING == set()


def _operations(parsed: Any) -> set[str]:
    """Return the operations of a pattern; what a possessive repetition holds is never retried."""
    found = set()
    for operation, argument in parsed:
        found.add(str(operation))
        if str(operation) == "SUBPATTERN":
            found |= _operations(argument[-1])
    return found


@pytest.mark.parametrize("piece", [" ", "\t", "a", "{", "}", '"', "\\", "=", ",", 'a="b",', "9", ":"])
def test_adversarial_lines_cost_as_many_matches_as_they_are_long(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: every match begins where the one before it ended."""
    begun: list[tuple[str, int]] = []

    class Counted:
        def __init__(self, name: str, pattern: re.Pattern[str]) -> None:
            self._name, self._pattern = name, pattern

        def match(self, text: str, at: int = 0) -> re.Match[str] | None:
            begun.append((self._name, at))
            return self._pattern.match(text, at)

    for name, pattern in PATTERNS.items():
        if name != "_ESCAPE":
            monkeypatch.setattr(exposition, name, Counted(name, pattern))
    for opening in ("", "{", '{a="', " "):
        begun.clear()
        read(f"sglang:active{opening}{piece * 5000}\n")
        starts = [at for _, at in begun]
        assert starts == sorted(starts)
        assert len(begun) <= 5000 * len(piece) + 10
