from testbed.load.report import Failure, Tally, percentiles, summary


def test_percentiles_are_latencies_that_occurred() -> None:
    named = percentiles([float(number) for number in range(1, 101)])

    assert named == {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "p100": 100, "mean": 50.5}


def test_without_answers_there_are_no_percentiles() -> None:
    assert percentiles([]) == {}


def test_the_summary_names_every_failure_and_adds_them_up() -> None:
    failures = [Failure(10, "status 503", 0.1), Failure(11, "timeout", 5), Failure(12, "status 503", 0.2)]
    tally = Tally(sent=5, latencies=[1, 3], failures=failures)

    report = summary(tally, started_at=9, seconds=4)

    assert (report["sent"], report["ok"], report["failed"], report["ok_per_second"]) == (5, 2, 3, 0.5)
    assert report["failures_by_cause"] == {"status 503": 2, "timeout": 1}
    assert report["failures"] == [
        {"sent_at": 10, "cause": "status 503", "seconds": 0.1},
        {"sent_at": 11, "cause": "timeout", "seconds": 5},
        {"sent_at": 12, "cause": "status 503", "seconds": 0.2},
    ]
