"""The operator's own metrics."""

import pytest
from embedding_operator.kube.events import DropCause
from embedding_operator.telemetry.exporter import DEMAND, Exporter, PoolCounts
from embedding_operator.telemetry.fetch import FailureCause, PollFailure, Source
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def exporter() -> Exporter:
    return Exporter(version="1.2.3")


SERVICE = ("namespace", "name")
WINDOW = (*SERVICE, "window")
REPLICAS = (*SERVICE, "pool", "state")


def samples(exporter: Exporter, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Return the values of one metric by the values of `labels`, which must be all its labels."""
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in text_string_to_metric_families(exporter.page())
        for sample in family.samples
        if sample.name == name and len(sample.labels) == len(labels)
    }


def counts(desired: int, ready: int = 0) -> PoolCounts:
    return PoolCounts(desired=desired, ready=ready, starting=desired - ready, stuck=0)


def test_reconciles_are_counted_and_timed(exporter: Exporter) -> None:
    exporter.reconciled("success", seconds=0.2)
    exporter.reconciled("success", seconds=0.3)
    exporter.reconciled("unavailable", seconds=1.0)
    assert samples(exporter, "embsvc_reconcile_total", "result") == {("success",): 2.0, ("unavailable",): 1.0}
    assert samples(exporter, "embsvc_reconcile_duration_seconds_sum") == {(): 1.5}


def test_decisions_are_timed(exporter: Exporter) -> None:
    exporter.decided(seconds=0.0004)
    assert samples(exporter, "embsvc_decision_duration_seconds_count") == {(): 1.0}


def test_the_queue_requests_failures_and_leadership(exporter: Exporter) -> None:
    exporter.queue(depth=3, oldest_seconds=1.5)
    exporter.requested(verb="patch", resource="deployments.apps", code="200", seconds=0.01)
    exporter.poll_failed(PollFailure(source=Source.LOADS, cause=FailureCause.TIMEOUT))
    exporter.step_failed("prepare")
    exporter.leads(leader=True)
    assert samples(exporter, "embsvc_step_errors_total", "step") == {("prepare",): 1.0}
    assert samples(exporter, "embsvc_queue_depth") == {(): 3.0}
    assert samples(exporter, "embsvc_queue_oldest_age_seconds") == {(): 1.5}
    assert samples(exporter, "embsvc_api_requests_total", "verb", "resource", "code") == {
        ("patch", "deployments.apps", "200"): 1.0
    }
    assert samples(exporter, "embsvc_poll_failures_total", "source", "cause") == {("loads", "timeout"): 1.0}
    assert samples(exporter, "embsvc_leader") == {(): 1.0}
    assert samples(exporter, "embsvc_build_info", "version") == {("1.2.3",): 1.0}


def test_a_service_shows_its_window_and_its_replicas(exporter: Exporter) -> None:
    exporter.service("search", "qwen", window="night", pools={"t4": counts(3, ready=2)})
    assert samples(exporter, "embsvc_schedule_active", *WINDOW) == {("search", "qwen", "night"): 1.0}
    assert samples(exporter, "embsvc_replicas", *REPLICAS) == {
        ("search", "qwen", "t4", "desired"): 3.0,
        ("search", "qwen", "t4", "ready"): 2.0,
        ("search", "qwen", "t4", "starting"): 1.0,
        ("search", "qwen", "t4", "stuck"): 0.0,
    }


def test_windows_that_closed_and_pools_that_left_disappear(exporter: Exporter) -> None:
    exporter.service("search", "qwen", window="night", pools={"t4": counts(3), "a10": counts(1)})
    exporter.service("search", "qwen", window=None, pools={"a10": counts(2)})
    assert samples(exporter, "embsvc_schedule_active", *WINDOW) == {("search", "qwen", ""): 1.0}
    assert {labels[2] for labels in samples(exporter, "embsvc_replicas", *REPLICAS)} == {"a10"}


def test_a_service_that_is_gone_leaves_nothing_and_takes_nothing_along(exporter: Exporter) -> None:
    exporter.service("search", "qwen", window="night", pools={"t4": counts(3)})
    exporter.service("search", "bge", window=None, pools={"t4": counts(1)})
    exporter.forget("search", "qwen")
    exporter.forget("search", "never-known")
    assert {labels[1] for labels in samples(exporter, "embsvc_replicas", *REPLICAS)} == {"bge"}
    assert {labels[1] for labels in samples(exporter, "embsvc_schedule_active", *WINDOW)} == {"bge"}


def test_every_name_has_the_prefix_and_a_base_unit(exporter: Exporter) -> None:
    names = {family.name for family in text_string_to_metric_families(exporter.page())}
    own = {name for name in names if not name.startswith("process_")}
    assert all(name.startswith("embsvc_") for name in own)
    assert not [name for name in own if name.endswith(("_ms", "_milliseconds", "_minutes"))]


def test_no_label_grows_with_pods(exporter: Exporter) -> None:
    for revision in range(50):
        exporter.service("search", "qwen", window=f"window-{revision}", pools={"t4": counts(revision)})
    assert len(samples(exporter, "embsvc_replicas", *REPLICAS)) == 4
    assert len(samples(exporter, "embsvc_schedule_active", *WINDOW)) == 1


def test_pokes_are_counted_by_their_answer(exporter: Exporter) -> None:
    for code in ("202", "202", "403"):
        exporter.poked(code)
    assert samples(exporter, "embsvc_pokes_total", "code") == {("202",): 2.0, ("403",): 1.0}


def test_what_services_need_is_exported_until_they_are_gone(exporter: Exporter) -> None:
    exporter.needs("search", "qwen", required=900.0, demand=750.0, unmeasured_seconds=30.0)
    assert samples(exporter, "embsvc_required_tokens_per_second", *SERVICE) == {("search", "qwen"): 900.0}
    assert samples(exporter, DEMAND, *SERVICE) == {("search", "qwen"): 750.0}
    assert samples(exporter, "embsvc_unmeasured_seconds", *SERVICE) == {("search", "qwen"): 30.0}
    exporter.forget("search", "qwen")
    exporter.forget("search", "never-seen")
    assert samples(exporter, DEMAND, *SERVICE) == samples(exporter, "embsvc_required_tokens_per_second", *SERVICE) == {}


def test_events_that_were_not_recorded_are_counted_by_cause(exporter: Exporter) -> None:
    for cause in (*[DropCause.FULL] * 2, DropCause.REFUSED):
        exporter.event_dropped(cause)
    assert samples(exporter, "embsvc_events_dropped_total", "cause") == {("full",): 2.0, ("refused",): 1.0}
