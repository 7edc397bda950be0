import structlog
from embedding_operator.gateway.throttled_log import Seldom


def test_a_warning_comes_once_a_minute_and_says_how_often_it_was_due() -> None:
    moments = iter([0.0, 1.0, 59.0, 60.0])
    seldom = Seldom("it fails", monotonic=lambda: next(moments))
    with structlog.testing.capture_logs() as logged:
        for cause in "abcd":
            seldom.warn(cause=cause)
    assert [(each["event"], each["cause"], each["left_out"]) for each in logged] == [
        ("it fails", "a", 0),
        ("it fails", "d", 2),
    ]
