"""The names under which engines report what the operator reads."""

import math

import pytest
from embedding_operator.telemetry.engine_metrics import EngineMetrics, LoadReport, read_engine_metrics, read_load_report

OWN = 'model_name="qwen3-embedding",engine_type="unified"'
PAGE = f"""\
# HELP sglang:http_requests_active calls
# TYPE sglang:http_requests_active gauge
sglang:http_requests_active{{endpoint="/v1/embeddings",method="POST"}} 12.0
sglang:http_requests_active{{endpoint="/health",method="GET"}} 1.0
sglang:http_responses_total{{endpoint="/v1/embeddings",method="POST",status_code="200"}} 900.0
sglang:http_responses_total{{endpoint="/v1/embeddings",method="POST",status_code="400"}} 7.0
sglang:http_responses_total{{endpoint="/v1/embeddings",method="POST",status_code="503"}} 30.0
sglang:http_responses_total{{endpoint="/health",method="GET",status_code="503"}} 4.0
sglang:http_requests_total{{endpoint="/v1/embeddings",method="POST"}} 949.0
sglang:num_queue_reqs{{{OWN},tp_rank="0"}} 5.0
sglang:num_running_reqs{{{OWN},tp_rank="0"}} 8.0
sglang:prompt_tokens_total{{{OWN},is_streaming="false"}} 1.2e+06
sglang:prompt_tokens_histogram_sum{{{OWN}}} 77.0
"""
RANK = {
    "dp_rank": 0,
    "num_running_reqs": 0,
    "num_waiting_reqs": 20,
    "num_waiting_uncached_tokens": 4000,
    "total_prefill_uncached_tokens": 90000,
}
LOADS = {"timestamp": "2026-06-03T12:00:00+00:00", "version": "0.5.23", "loads": [RANK]}


def test_a_page_gives_the_samples_of_the_embedding_endpoint() -> None:
    assert read_engine_metrics(PAGE) == EngineMetrics(
        in_flight=12.0,
        running=8.0,
        waiting_requests=5.0,
        tokens_done=1.2e6,
        requests_done=900.0,
        refused=30.0,
    )


def test_an_engine_that_had_no_request_yet_has_none_in_flight() -> None:
    page = 'sglang:http_requests_active{endpoint="/ready",method="GET"} 0.0\n'
    assert read_engine_metrics(page) == EngineMetrics(in_flight=0.0)


@pytest.mark.parametrize(
    "page", ["\n", "# nothing\n", PAGE.replace("sglang:", "sglang_")], ids=["empty", "comments", "renamed"]
)
def test_what_is_not_on_the_page_is_missing_and_not_zero(page: str) -> None:
    assert read_engine_metrics(page) == EngineMetrics()


@pytest.mark.parametrize("length", [0, 100, len(PAGE) - 1])
def test_a_page_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="truncated"):
        read_engine_metrics(PAGE[:length])


def test_values_that_are_no_numbers_stay_so() -> None:
    metrics = read_engine_metrics(PAGE.replace(" 12.0", " NaN"))
    assert metrics.in_flight is not None
    assert math.isnan(metrics.in_flight)


def test_a_report_of_loads() -> None:
    assert read_load_report(LOADS) == LoadReport(
        running=0.0, waiting_requests=20.0, waiting_tokens=4000.0, tokens_computed=90000.0
    )


def test_ranks_are_added_up() -> None:
    assert read_load_report({"loads": [RANK, RANK]}).waiting_tokens == 8000.0


@pytest.mark.parametrize(
    "report",
    [None, [], {}, "loads", {"loads": None}, {"loads": {}}, {"loads": []}, {"loads": [1, None]}, {"loads": [{}]}],
)
def test_a_report_of_another_form_says_nothing(report: object) -> None:
    assert read_load_report(report) == LoadReport()


@pytest.mark.parametrize("value", [None, "20", True, [20]])
def test_a_value_that_is_no_number_is_missing(value: object) -> None:
    metrics = read_load_report({"loads": [{**RANK, "num_waiting_reqs": value}]})
    assert (metrics.waiting_requests, metrics.waiting_tokens) == (None, 4000.0)


def test_a_value_that_one_rank_lacks_is_missing() -> None:
    assert read_load_report({"loads": [RANK, {"num_running_reqs": 1}]}) == LoadReport(running=1.0)
