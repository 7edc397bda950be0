"""Which engines the replay sends requests to."""

from benchmarks.live.engine_watch import EngineWatch


def test_only_engines_that_are_ready_and_stay_get_requests() -> None:
    watch = EngineWatch("any")
    for line in (
        "a,,,",
        "b,10.0.0.2,False,",
        "a,10.0.0.1,True,",
        "b,10.0.0.2,True,",
        "a,10.0.0.1,True,2026-06-01T12:00:00Z",
    ):
        watch.take_in(f"{line}\n")
    assert watch.addresses() == ["10.0.0.2"]
    watch.take_in("b,10.0.0.2,False,\n")
    assert watch.addresses() == []
