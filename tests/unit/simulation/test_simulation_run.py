"""`kubectl embsvc simulate FILE --trace PATH`, from the command line to the output."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from embedding_operator.cli.command import main
from embedding_operator.cli.simulation_results import Trial
from embedding_operator.cli.simulation_text import trial_told

from tests.unit.cli.services import A10, NIGHT, T4, gpu_pool, service, text

Run = Callable[..., tuple[int, str, str]]
HOURS = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a file of two clients, one of them without lengths, and one of counts."""
    traces = tmp_path / "traces"
    traces.mkdir()
    windows = [(client, 600 * index) for client in (3, 4) for index in range(6 * HOURS)]
    rates = [f"{client},{since},{4 if since // 3600 % 24 < 12 else 40},1,Gamma,1,1" for client, since in windows]
    (traces / "mine_rates.csv").write_text("\n".join(["client,t_s,rate_rps,iat_cv,iat_dist,shape,scale", *rates]))
    (traces / "tokens_mine_3.csv").write_text("window_t_s,input_tokens,prob\n0,100,0.5\n0,300,0.5\n")
    counted = [f"{3600 * hour},{3600 * 5}" for hour in range(HOURS)]
    (traces / "hourly.csv").write_text("\n".join(["t_s,requests", *counted]))
    return traces


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return a function that simulates a file of `documents` and returns exit code, output and error output."""
    monkeypatch.setenv("COLUMNS", "100")

    def running(documents: list[object], *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "service.yaml").write_text(text(*documents), encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["kubectl-embsvc", "simulate", str(tmp_path / "service.yaml"), *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return running


def test_a_day_is_simulated_beside_a_static_peak_and_the_clairvoyant(run: Run, folder: Path) -> None:
    options = ("--trace", str(folder), "--client", "3", "--days", "0-1")
    code, out, err = run([service()], *options, "--output", "json")
    trial = Trial.model_validate_json(out)
    assert code == 0
    assert "this service: day 0" in err
    own, static, clairvoyant = trial.played
    assert (own.name, static.name, clairvoyant.name) == ("this service", "static peak, 2 a10", "clairvoyant")
    assert clairvoyant.cost < static.cost == pytest.approx(2 * 24 * 1.006, rel=0.01)
    assert own.scale_events > static.scale_events == 0.0
    assert trial.requests == pytest.approx(3600 * (11 * 4 + 12 * 40), rel=0.02)
    assert trial.measured_days == pytest.approx(23 / 24), "the first hour warms the service up"
    assert max(trial.curve.replicas["a10"]) > min(trial.curve.replicas["a10"])
    assert trial.curve.tokens_per_second[-1] == pytest.approx(40 * 200, rel=0.1)

    told = run([service()], *options)
    assert told[1] == trial_told(trial, width=100), "the same seed, the same requests"


def test_prices_and_speeds_of_the_file_count(run: Run, folder: Path) -> None:
    pools = [{**A10, "tokensPerSecond": 2000}, {**T4, "gpuPool": "b200", "maxReplicas": 1}]
    priced = [gpu_pool("a10", pricePerHour="2"), gpu_pool("b200", pricePerHour="9", computeCapability="10.0")]
    documents = [service(pools=pools), *priced]
    _, out, _ = run(
        documents, "--trace", str(folder / "hourly.csv"), "--days", "0.5", "--output", "json", "--seed", "3"
    )
    trial = Trial.model_validate_json(out)
    a10, b200 = trial.pools
    assert (trial.price_source, trial.trace, trial.seed) == ("pricePerHour of the GPUPools", "hourly", 3)
    assert (a10.price_per_hour, b200.price_per_hour) == (2.0, 9.0)
    assert a10.tokens_per_second == pytest.approx(2000)
    assert a10.source == "tokensPerSecond in the file"
    assert b200.source.startswith("estimate: the operator's initial value")


def test_twice_the_requests_come_at_twice_the_scale(run: Run, folder: Path) -> None:
    options = ("--trace", str(folder), "--client", "hourly", "--days", "0.2", "--output", "json")
    one, two = (json.loads(run([service()], *options, "--scale", scale)[1]) for scale in ("1", "2"))
    assert two["requests"] == pytest.approx(2 * one["requests"], rel=0.05)


UNKNOWN = {"huggingFace": {"repo": "mine/model"}}


@pytest.mark.parametrize(
    ("documents", "arguments", "complaint"),
    [
        ([service()], [], "{folder} contains 2 traces: choose one with --client: hourly, mine-3\n"),
        ([service()], ["--client", "9"], "--client: there is no trace 9: choose from hourly, mine-3\n"),
        (
            [service()],
            ["--client", "mine-4"],
            "--client: mine-4: tokens_mine_4.csv.gz is missing, so its lengths are unknown\n",
        ),
        (
            [service()],
            ["--client", "3", "--days", "3-4"],
            "--days: mine-3 has 1.25 days, counted from 0: choose days before",
        ),
        ([service()], ["--client", "3", "--days", "0.04"], "--days: nothing of mine-3 between day 0 and 0.04 can be"),
        ([service()], ["--client", "3", "--start", "D4"], "--start: unknown cold starts D4: choose from D1, D2, D3\n"),
        ([service()], ["--client", "3", "--chart-day", "5"], "--chart-day: day 5 is not simulated: "),
        (
            [service()],
            ["--client", "3", "--facts", "no.yaml"],
            "--facts: no.yaml cannot be read: No such file or directory\n",
        ),
        (
            [service(model=UNKNOWN)],
            ["--client", "3"],
            (
                "spec.pools[0]: the speed of model on a10 is unknown: set tokensPerSecond of one replica, beside "
                "gpuPool, or add it to the file of --facts; there are facts for Qwen3-Embedding-4B on a10"
            ),
        ),
        (
            [service(pools=[A10, T4]), gpu_pool("a10", pricePerHour="1")],
            ["--client", "3"],
            "GPUPool t4: spec.pricePerHour is missing, but set for a10: set it for every pool of the service",
        ),
    ],
)
def test_what_cannot_be_simulated_is_said_with_the_fix(
    run: Run, folder: Path, documents: list[object], arguments: list[str], complaint: str
) -> None:
    code, out, err = run(documents, "--trace", str(folder), *arguments)
    assert (code, out) == (1, "")
    assert err.partition("error: ")[2].startswith(complaint.format(folder=folder))


def test_a_trace_that_is_not_there_is_named(run: Run) -> None:
    complaint = "error: nowhere: no such folder or file: name one that contains traces\n"
    assert run([service()], "--trace", "nowhere") == (1, "", complaint)


def test_what_is_not_played_is_noted(run: Run, folder: Path) -> None:
    other = {"serviceSelector": {"matchLabels": {"team": "ads"}}, "timeZone": "UTC", "windows": [NIGHT]}
    nights = {"kind": "ScalingSchedule", "metadata": {"name": "nights"}, "spec": other}
    trigger = {"name": "documents", "prometheus": {"query": "up"}, "threshold": 1}
    triggered = service(allocation="Cheapest", scaling={"triggers": [trigger]})
    _, out, _ = run([triggered, nights], "--trace", str(folder), "--client", "hourly", "--days", "0.1")
    assert "Note: ScalingSchedule nights in the file does not select the service" in out
    assert "Note: the cheapest mix is based on the prices above" in out
    assert "Note: triggers are not simulated (documents): a trace has no external queues." in out
