from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.simulation.report import chapters_of, text, write
from benchmarks.simulation.results import Document, Kind, Run, Split, path_of
from benchmarks.simulation.results import write as write_document
from benchmarks.simulation.summary import CLAIRVOYANT
from tests.benchmarks.simulation.documents import curve, document, run

OURS = "Embedding Operator"
RUNS = (
    run(CLAIRVOYANT, kind=Kind.BOUND, cost=10, tuning="default"),
    run(OURS, kind=Kind.OURS, cost=12, late=0.004),
    run(OURS, kind=Kind.OURS, cost=13, late=0.006, tuning="default"),
    run("Without schedule", kind=Kind.ABLATION, cost=14, late=0.02),
    run("KEDA queue + rate", cost=11, late=0.003),
    run("Static peak", cost=30),
    *(
        run(policy, kind=kind, cost=cost, late=late, scenario="a10+t4", pools=("a10", "t4"))
        for policy, kind, cost, late in ((CLAIRVOYANT, Kind.BOUND, 8, 0.0), (OURS, Kind.OURS, 9, 0.001))
    ),
)


def laid_out(folder: Path, *documents: Document) -> Path:
    for described in documents:
        trace = described.trace
        write_document(described, path_of(folder, trace=trace.name, split=trace.split))
    return folder


def page(folder: Path, *documents: Document) -> str:
    return "\n".join(text(chapters_of(laid_out(folder, *documents))))


@pytest.fixture
def written(tmp_path: Path) -> str:
    tried: list[Run] = [
        run("KubeAI", cost=20.0 + target, late=0.01, tuning=f"grid-{target}", parameters={"target_requests": target})
        for target in (1.0, 2.0)
    ]
    return page(
        tmp_path, document(*RUNS, curves=(curve(OURS),)), document(*tried, split=Split.TRAIN), document(name="s31")
    )


CHEAP = "| at most 1.25 x clairvoyant with at most 0.50 % late, warm starts"
LINES = f"""
{CHEAP} | s26, a10 | met | 1.20 x, 0.40 % late |
{CHEAP} | s26, a10+t4 | met | 1.12 x, 0.10 % late |
| at most 60 replica changes a day | s26, a10 | met | 10 a day |
| s26, D1 | 70.0 % | 0.10 % | 0.00 % |
| s26, a10, D1 | KEDA queue + rate, a10, tuned | tuned | 0.92 x ours | 0.30 % against 0.40 % |
| **Embedding Operator**, tuned | 12.00 USD | 1.20 | 0.40 % | 0.20 % | 4.00 % | 0.50 | 10 | 5 | 0.20 % |
### s26: a10+t4, cold starts D1
| KubeAI | a10 | D1 | target_requests 2 | 22.00 | 1.00 % |
| node linger | 60 s | assumed |
| s26 | a10+t4 | 7 to 14 | D1 | 0 | Clairvoyant (tuned), Embedding Operator (tuned) |
![Replicas and queue over one day](plots/s26.svg)
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_page_says(written: str, line: str) -> None:
    assert line in written.splitlines()


def test_page_says_where_the_fair_baseline_beats_us(written: str) -> None:
    one, both = [line for line in written.splitlines() if line.startswith("| never both more expensive and later")]
    assert one.endswith("| s26, a10, D1 | **missed** | cost 1.09 x theirs (a10, tuned), 0.40 % late against 0.30 % |")
    assert both.endswith("| s26, a10+t4, D1 | met | cost 0.82 x theirs (a10, tuned), 0.10 % late against 0.30 % |")


def test_a_trace_without_curves_has_no_day(written: str) -> None:
    assert "plots/s31.svg" not in written


def test_tables_go_from_bounds_over_ours_to_baselines_by_cost(written: str) -> None:
    lines = written[written.index("### s26: a10, cold starts D1") : written.index("### s26: a10+t4")].splitlines()
    policies = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert policies == [
        "policy",
        "---",
        "Clairvoyant",
        "**Embedding Operator**, tuned",
        "**Embedding Operator**, default",
        "KEDA queue + rate, tuned",
        "Static peak, tuned",
        "Without schedule, tuned",
    ]


def test_no_loss_is_told_plainly(tmp_path: Path) -> None:
    assert "No baseline is at most as expensive and at most as late as ours" in page(
        tmp_path, document(RUNS[0], RUNS[1])
    )


def test_intervals_show_where_there_are_seeds(tmp_path: Path) -> None:
    several = document(*(run("KubeAI", cost=20.0 + seed, seed=seed) for seed in range(3)))
    # Three seeds, standard deviation 1: 4.303 / sqrt(3).
    assert "| KubeAI, tuned | 21.00 ± 2.48 USD | - |" in page(tmp_path, several)


def test_plots_are_readable_and_the_same_every_time(tmp_path: Path) -> None:
    results = laid_out(
        tmp_path / "results", document(*RUNS, curves=(curve(OURS), curve("KEDA queue + rate"), curve("KubeAI")))
    )
    pages = [tmp_path / "first" / "RESULTS.md", tmp_path / "second" / "RESULTS.md"]
    for path in pages:
        path.parent.mkdir()
        write(chapters_of(results), page=path)
    first, second = [{plot.name: plot.read_bytes() for plot in sorted(path.parent.glob("plots/*"))} for path in pages]
    assert sorted(first) == [
        "pareto-a10-t4.svg",
        "pareto-a10.svg",
        "ratios-a10-t4.svg",
        "ratios-a10.svg",
        "s26.svg",
    ]
    assert first == second
    assert pages[0].read_text() == pages[1].read_text()
    for plot in first.values():
        ET.fromstring(plot)  # noqa: S314 - our own file
    assert OURS.encode() in first["pareto-a10.svg"]
    assert b"KEDA queue + rate, a10+t4" in first["s26.svg"]
    assert b"KubeAI" not in first["s26.svg"]


def test_a_trace_is_drawn_without_bounds_too(tmp_path: Path) -> None:
    unbounded = [one for one in RUNS if one.kind is not Kind.BOUND]
    results = laid_out(tmp_path / "results", document(*unbounded), replace(document(*RUNS, name="s31")))
    write(chapters_of(results), page=tmp_path / "RESULTS.md")
    assert (tmp_path / "plots" / "pareto-a10.svg").stat().st_size > 0
