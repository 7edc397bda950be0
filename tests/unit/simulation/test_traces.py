"""Traces in files: what is read, and the errors for files that are not valid."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from embedding_operator.simulation.library import library
from embedding_operator.simulation.tables import TraceError
from embedding_operator.simulation.trace import Histogram, Law, Lengths, Trace

HEADER = "client,t_s,rate_rps,iat_cv,iat_dist,shape,scale\n"
TOKENS = "window_t_s,input_tokens,prob\n0,10,0.5\n0,30,0.5\n1200,100,2\n"
WINDOWS = (
    "7,0,2.5,1.1,Gamma,0.9,0.4\n7,600,0,0,,0,0\n7,1200,4,1.2,Weibull,0.8,0.2\n"
    "b,0,1,1.1,Gamma,0.9,0.4\nb,600,0,0,,0,0\nb,1200,1,1.2,Weibull,0.8,0.2\n"
    "c,0,0,0,,0,0\nc,600,0,0,,0,0\nc,1200,1,1.2,Weibull,0.8,0.2\n"
)


def folder(tmp_path: Path, **files: str) -> Path:
    """Write each file as CSV, gzipped if its name says so."""
    for name, text in files.items():
        if name.endswith("_gz"):
            (tmp_path / f"{name.removesuffix('_gz')}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def test_reads_any_client_of_a_servegen_folder(tmp_path: Path) -> None:
    trace = library(folder(tmp_path, x_rates_gz=HEADER + WINDOWS, tokens_x_7_gz=TOKENS)).load("7")
    assert trace.name == "x-7"
    assert trace.step == 600.0
    assert trace.laws.tolist() == [Law.GAMMA, Law.GAMMA, Law.WEIBULL]
    assert trace.shapes.tolist() == [0.9, 0.9, 0.8]
    assert trace.lengths.at(0.0).mean == pytest.approx(20.0)
    assert trace.lengths.at(1200.0).mean == pytest.approx(100.0)


def test_windows_without_a_request_of_any_client_are_gaps_and_bridged(tmp_path: Path) -> None:
    trace = library(folder(tmp_path, x_rates=HEADER + WINDOWS, tokens_x_7=TOKENS)).load("x-7")
    assert trace.gaps.tolist() == [False, True, False]
    assert trace.rates.tolist() == [2.5, 3.25, 4.0]


def test_silence_of_a_single_client_is_no_gap(tmp_path: Path) -> None:
    alone = "".join(WINDOWS.splitlines(keepends=True)[:3])
    trace = library(folder(tmp_path, x_rates=HEADER + alone, tokens_x_7=TOKENS)).load("x-7")
    assert not trace.gaps.any()
    assert trace.rates.tolist() == [2.5, 0.0, 4.0]


def test_clients_without_lengths_are_left_out_and_said_why(tmp_path: Path) -> None:
    known = library(folder(tmp_path, x_rates=HEADER + WINDOWS, tokens_x_7=TOKENS))
    assert list(known.traces) == ["x-7"]
    with pytest.raises(TraceError, match=r"tokens_x_b\.csv\.gz is missing"):
        known.load("x-b")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"x_rates": HEADER}, "x_rates.csv: the file has no rows"),
        ({"x_rates": HEADER + "7,0,-1,0,Gamma,1,1\n7,600,1,0,Gamma,1,1\n"}, "line 2: rate_rps is '-1'"),
        ({"x_rates": HEADER + "7,0,nan,0,Gamma,1,1\n7,600,1,0,Gamma,1,1\n"}, "line 2: rate_rps is 'nan'"),
        ({"x_rates": HEADER + "7,0,1,0,Pareto,1,1\n7,600,1,0,Gamma,1,1\n"}, "iat_dist is 'Pareto': Gamma or Weibull"),
        ({"x_rates": HEADER + "7,0,1,0,Gamma,0,1\n7,600,1,0,Gamma,1,1\n"}, "shape is '0': a number above 0"),
        (
            {"x_rates": HEADER + "7,0,1,0,Gamma,1,1\n7,600,1,0,Gamma,1,1\n8,0,1,0,Gamma,1,1\n"},
            "client 8 does not have one row",
        ),
        ({"x_rates": HEADER + "7,0,1\n"}, "line 2: the line must have as many cells"),
        ({"other": "a,b\n1,2\n"}, "other.csv: columns a, b match no trace format"),
        ({"log": "TIMESTAMP,ContextTokens\nyesterday,3\n"}, "TIMESTAMP is 'yesterday'"),
        ({"hours": "t_s,requests\n0,1\n3600,2\n9000,3\n"}, "hours.csv: t_s must increase in equal steps"),
        ({"minutes": "t_s,rpm_mid\n60,1\n30,2\n"}, "minutes.csv: t_s must increase from row to row"),
        ({"cut_gz": ""}, "columns  match no trace format"),
        ({}, "contains no trace"),
    ],
)
def test_says_what_is_wrong_with_a_file(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    with pytest.raises(TraceError, match=problem.replace("(", r"\(")):
        everything(folder(tmp_path, **files))


def everything(path: Path) -> list[Trace]:
    """Return every trace in a folder."""
    known = library(path)
    return [known.load(name) for name in known.traces]


@pytest.mark.parametrize(
    ("tokens", "problem"),
    [
        ("window_t_s,input_tokens\n0,1\n", "no column prob"),
        ("window_t_s,input_tokens,prob\n", "the file has no rows"),
        ("window_t_s,input_tokens,prob\n0,0,1\n", "input_tokens is '0'"),
        ("window_t_s,input_tokens,prob\n0,5,0\n", "prob sums to 0 in window_t_s 0"),
    ],
)
def test_says_what_is_wrong_with_lengths(tmp_path: Path, tokens: str, problem: str) -> None:
    known = library(folder(tmp_path, x_rates=HEADER + WINDOWS, tokens_x_7=tokens))
    with pytest.raises(TraceError, match=problem):
        known.load("x-7")


def test_a_file_that_is_no_gzip_is_named(tmp_path: Path) -> None:
    (tmp_path / "x_rates.csv.gz").write_bytes(b"plain")
    with pytest.raises(TraceError, match=r"x_rates\.csv\.gz: cannot be read"):
        library(tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    known = library(folder(tmp_path, hours="t_s,requests\n0,1\n3600,2\n"))
    with pytest.raises(TraceError, match="there is no trace 12: choose from hours"):
        known.load("12")
    with pytest.raises(TraceError, match="no such folder"):
        library(tmp_path / "none")


def test_reads_requests_recorded_one_by_one(tmp_path: Path) -> None:
    log = (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.0319600,110,8\n2023-11-16 18:17:03.9799600,48,1\n"
    )
    trace = library(folder(tmp_path, log=log)).load("log")
    assert trace.instants is not None
    assert trace.sizes is not None
    assert trace.instants.tolist() == pytest.approx([0.0, 0.052])
    assert trace.sizes.tolist() == [48, 110]
    assert trace.rates.sum() * trace.step == pytest.approx(2.0)


def test_counts_take_the_lengths_of_recorded_requests_beside_them(tmp_path: Path) -> None:
    log = "TIMESTAMP,ContextTokens\n2023-11-16 18:17:04.03,110\n"
    hours = "t_s,requests\n0,36\n3600,72\n"
    minutes = "t_s,rpm_mid\n600,60\n1800,120\n"
    known = library(folder(tmp_path, log=log, hours=hours, minutes=minutes))
    trace = known.load("hours")
    assert trace.rates.tolist() == pytest.approx([0.01, 0.02])
    assert trace.lengths.at(0.0).mean == 110.0
    assert known.load("minutes").rates.tolist() == pytest.approx([1.0, 1.25, 1.75])


def test_a_scaled_trace_has_more_requests_of_the_same_kind(tmp_path: Path) -> None:
    trace = library(folder(tmp_path, x_rates=HEADER + WINDOWS, tokens_x_7=TOKENS)).load("x-7")
    twice = trace.scaled(2.0)
    assert twice.token_rates().tolist() == pytest.approx((2 * trace.token_rates()).tolist())
    assert twice.shapes is trace.shapes
    assert twice.scale == 2.0


def test_shares_of_a_histogram_are_made_to_sum_to_one() -> None:
    histogram = Histogram.of([10, 20], [3.0, 1.0])
    assert histogram.cumulative.tolist() == [0.75, 1.0]
    assert Lengths.constant(7).at(1e9).mean == 7.0
    assert np.isclose(histogram.mean, 12.5)
