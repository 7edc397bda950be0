"""Reading the metrics of one backend from HAProxy's page."""

import pytest
from embedding_operator.telemetry.gateways import GatewayMetrics, read_gateway_metrics

PAGE = """\
# HELP haproxy_backend_current_sessions Number of current sessions on the frontend, backend or server.
# TYPE haproxy_backend_current_sessions gauge
haproxy_backend_current_sessions{proxy="engines"} 45
haproxy_backend_current_sessions{proxy="other"} 1000
# TYPE haproxy_backend_sessions_total counter
haproxy_backend_sessions_total{proxy="engines"} 12345
haproxy_backend_http_responses_total{proxy="engines",code="1xx"} 1
haproxy_backend_http_responses_total{proxy="engines",code="2xx"} 12000
haproxy_backend_http_responses_total{proxy="engines",code="4xx"} 40
haproxy_backend_http_responses_total{proxy="engines",code="5xx"} 5
haproxy_backend_last_session_seconds{proxy="engines"} 3
haproxy_server_current_sessions{proxy="engines",server="qwen-a10-1"} 32
haproxy_server_current_sessions{proxy="engines",server="qwen-a10-2"} 8
haproxy_server_current_sessions{proxy="other",server="qwen-a10-1"} 7
haproxy_server_check_failures_total{proxy="engines",server="qwen-a10-1"} NaN
haproxy_server_status{proxy="engines",server="qwen-a10-1",state="DOWN"} 0
haproxy_server_status{proxy="engines",server="qwen-a10-1",state="UP"} 1
haproxy_server_status{proxy="engines",server="qwen-a10-2",state="DOWN"} 1
haproxy_server_status{proxy="engines",server="qwen-a10-2",state="UP"} 0
haproxy_server_status{proxy="engines",server="qwen-a10-3",state="DRAIN"} 1
haproxy_server_status{proxy="other",server="qwen-a10-1",state="DOWN"} 1
"""


def changed(line: str, *, to: str) -> str:
    (found,) = (each for each in PAGE.split("\n") if each.startswith(line))
    return PAGE.replace(found + "\n", f"{line} {to}\n" if to else "")


def test_the_metrics_are_those_of_the_engines() -> None:
    assert read_gateway_metrics(PAGE) == GatewayMetrics(
        outstanding=45.0,
        requests=12345.0,
        rejected=40.0,
        last_request_seconds=3.0,
        engines={"qwen-a10-1": 32.0, "qwen-a10-2": 8.0},
        down=frozenset({"qwen-a10-2"}),
        drained=frozenset({"qwen-a10-3"}),
    )


def test_a_gateway_without_engines_says_so() -> None:
    page = "".join(f"{line}\n" for line in PAGE.splitlines() if "server=" not in line)
    assert read_gateway_metrics(page).engines == {}


def test_a_gateway_that_never_had_a_request_says_so() -> None:
    line = 'haproxy_backend_last_session_seconds{proxy="engines"}'
    assert read_gateway_metrics(changed(line, to="-1")).last_request_seconds is None


@pytest.mark.parametrize(
    "line",
    [
        'haproxy_backend_current_sessions{proxy="engines"}',
        'haproxy_backend_sessions_total{proxy="engines"}',
        'haproxy_backend_http_responses_total{proxy="engines",code="4xx"}',
        'haproxy_backend_last_session_seconds{proxy="engines"}',
    ],
)
@pytest.mark.parametrize("value", ["", "NaN", "+Inf", "-2"])
def test_a_value_that_is_missing_or_none_makes_no_sample(line: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"haproxy_backend|is not a number"):
        read_gateway_metrics(changed(line, to=value))


def test_a_server_with_a_value_that_is_none_makes_no_sample() -> None:
    line = 'haproxy_server_current_sessions{proxy="engines",server="qwen-a10-1"}'
    with pytest.raises(ValueError, match="is not a number"):
        read_gateway_metrics(changed(line, to="NaN"))


@pytest.mark.parametrize("page", ["", "\n", PAGE.rstrip()])
def test_a_page_that_was_cut_off_makes_no_sample(page: str) -> None:
    with pytest.raises(ValueError, match=r"truncated|0 lines"):
        read_gateway_metrics(page)
