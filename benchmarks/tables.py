"""Writes the tables of the READMEs from the result files, so that no value is copied by hand."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.live.wake import PHASES
from benchmarks.results_file import RESULTS

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- begin of results: python -m benchmarks writes them -->", "<!-- end of results -->"
BETWEEN = re.compile(f"(?<={re.escape(BEGIN)}\n).*?(?={re.escape(END)})", re.DOTALL)

GATEWAYS = ("gateway", "sglang_router")

Result = Mapping[str, Any]


def update(root: Path = ROOT) -> list[Path]:
    """Write the tables into the READMEs; return those that changed."""
    changed = []
    for path, table in tables().items():
        file = root / path
        text = file.read_text(encoding="utf-8")
        updated = BETWEEN.sub(table.replace("\\", r"\\"), text)
        if updated != text:
            file.write_text(updated, encoding="utf-8")
            changed.append(file)
    return changed


def tables() -> dict[str, str]:
    """Return the table of each README by its path."""
    results = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))}
    return {"README.md": _short(results), "benchmarks/README.md": _long(results)}


def _short(results: Mapping[str, Result]) -> str:
    decision, reaction, footprint = results["decision"], results["reaction"], results["footprint"]
    typical, fastest = results["gateway"]["typical"], results["gateway"]["fastest"]
    passed = {door: f"{fastest[door]['requests_per_cpu_second']:,.0f}" for door in GATEWAYS}
    largest = footprint["services"]["1000"]
    woken, endurance = results["wake"]["phases"]["answer_less_start"], results["endurance"]
    minutes, sent, lost = endurance["seconds"] / 60, _total(endurance, "sent"), _lost(endurance)
    ours, theirs = reaction["reaction"]["embedding_operator"], reaction["reaction"]["keda_and_hpa"]
    rows = [
        ("one decision for 3 pools of 50 replicas, p99", _milliseconds(decision["decision"]["3 pools x 50"]["p99_ms"])),
        ("queue rises → replicas written, p50 / p99", _seconds(ours)),
        ("the same with KEDA and its HorizontalPodAutoscaler", _seconds(theirs)),
        ("burst at a gateway → replicas written, p50 / p99", _seconds(results["burst"]["burst"], digits=2)),
        ("request at zero replicas → answer, without the engine's startup time, p50 / max", _most(woken)),
        (f"{minutes:.0f} minutes of load with scaling, drains and failures: requests / lost", f"{sent:,} / {lost}"),
        ("new replica Ready → answers on kept connections, p50 / max", _most(endurance["new_replicas"])),
        ("1,000 services at rest", f"{largest['memory_mib']:.0f} MiB, {largest['cpu_cores']:.2f} cores"),
        ("writes to the API server at rest, per minute", str(largest["writes_at_rest"])),
        ("latency added by the gateway, p50 / p99", _added(typical["added"]["gateway"])),
        ("the same with sglang-router", _added(typical["added"]["sglang_router"])),
        ("requests per second and core, gateway / sglang-router", " / ".join(passed.values())),
    ]
    return "".join(_lines(["", ""], rows))


def _long(results: Mapping[str, Result]) -> str:
    parts = [
        ("Decision", results["decision"], _decision(results["decision"])),
        ("Reaction", results["reaction"], _reaction(results["reaction"])),
        ("Burst", results["burst"], _burst(results["burst"])),
        ("Wake", results["wake"], _wake(results["wake"])),
        ("Endurance", results["endurance"], _endurance(results["endurance"])),
        ("Agreement", results["agreement"], _agreement(results["agreement"])),
        ("Footprint", results["footprint"], _footprint(results["footprint"])),
        ("Gateway", results["gateway"], _gateway(results["gateway"])),
    ]
    return "\n".join(f"### {title}\n\n{provenance(result)}\n\n{''.join(table)}" for title, result, table in parts)


def _decision(result: Result) -> Iterator[str]:
    rows = [
        (_size(size), *(f"{taken[key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms")))
        for size, taken in result["decision"].items()
    ]
    return _lines([f"ms; goal {result['goal_ms']:g}", "p50", "p99", "max"], rows)


def _reaction(result: Result) -> Iterator[str]:
    names = {
        "embedding_operator": f"operator, polls every {result['operator_poll_seconds']:g} s",
        "keda_and_hpa": f"KEDA {result['keda_version']}, HorizontalPodAutoscaler every {result['hpa_sync_seconds']} s",
    }
    rows = [
        (name, *(f"{result['reaction'][key][share]:.2f}" for share in ("p50_s", "p99_s", "max_s")))
        for key, name in names.items()
    ]
    return _lines([f"s, {result['runs']} runs; goal of p99 {result['goal_p99_s']:g}", "p50", "p99", "max"], rows)


def _burst(result: Result) -> Iterator[str]:
    goals = f"goals of p50 {result['goal_p50_s']:g} and p99 {result['goal_p99_s']:g}"
    row = ("operator, poked by gateway", *(f"{result['burst'][share]:.2f}" for share in ("p50_s", "p99_s", "max_s")))
    return _lines([f"s, {result['runs']} runs; {goals}", "p50", "p99", "max"], [row])


def _wake(result: Result) -> Iterator[str]:
    rows = [
        (name, *(f"{result['phases'][phase][share]:.2f}" for share in ("p50_s", "max_s")))
        for phase, name in PHASES.items()
    ]
    return _lines([f"s, {result['runs']} runs", "p50", "max"], rows)


def _endurance(result: Result) -> Iterator[str]:
    head = ["client", "requests", "lost with the killed engine", f"lost otherwise; goal {result['goal_failed']}"]
    rows = [
        (
            name.replace("-", " "),
            f"{client['sent']:,}",
            str(client["failed_with_the_killed_engine"]),
            str(client["failed_otherwise"]),
            *(f"{client['latency_s'][share]:.2f}" for share in ("p50", "p99", "p100")),
        )
        for name, client in result["clients"].items()
    ]
    yield from _lines([*head, "p50, s", "p99, s", "max, s"], rows)
    yield "\n"
    new = result["new_replicas"]
    row = (str(len(new["seconds"])), str(len(new["never"])), f"{new['p50_s']:.2f}", f"{new['max_s']:.2f}")
    answers = "Ready → answers on kept connections"
    goal = f"goal {result['goal_reached_s']:g}"
    yield from _lines(["new replicas", "without any answer", f"{answers}, p50, s", f"max, s; {goal}"], [row])


def _agreement(result: Result) -> Iterator[str]:
    names = {
        "cluster_and_simulator": "the cluster and the simulator",
        "simulators_among_each_other": "the simulator and itself, polling in another second",
    }
    rows = [
        (
            name,
            f"{result[key]['mean_replicas_apart']:.2f}",
            f"{result[key]['most_replicas_apart']:.2f}",
            f"{result[key]['replica_seconds_ratio']:.3f}",
            " and ".join(str(peak) for peak in result[key]["peaks"]),
        )
        for key, name in names.items()
    ]
    head = [f"replica difference; goal {result['goal_mean']:g}", "mean", "max", "replica-hours, ratio", "peak replicas"]
    return _lines(head, rows)


def _footprint(result: Result) -> Iterator[str]:
    goals = result["goals"]
    head = [
        "services",
        f"memory, MiB; goal {goals['memory_mib']}",
        f"CPU, cores; goal {goals['cpu_cores']:g}",
        f"writes in {result['window_seconds']:g} s; goal {goals['writes_at_rest']}",
        "apply → all Ready, s",
    ]
    rows = [
        (
            f"{int(size):,}",
            f"{cost['memory_mib']:.0f}",
            f"{cost['cpu_cores']:.2f}",
            str(cost["writes_at_rest"]),
            f"{cost['ready_seconds']:.1f}",
        )
        for size, cost in result["services"].items()
    ]
    return _lines(head, rows)


def _gateway(result: Result) -> Iterator[str]:
    typical, large, fastest = result["typical"], result["large"], result["fastest"]
    names = {
        "gateway": f"gateway, HAProxy {result['haproxy']}",
        "sglang_router": f"sglang-router {result['sglang_router']}, power_of_two",
    }
    head = [
        f"ms added; goal of p99 {result['goal_added_p99_ms']:g}",
        *_heads(typical),
        *_heads(large),
        "requests per second and core",
    ]
    rows = [
        (
            names[door],
            *(f"{load['added'][door][key]:.2f}" for load in (typical, large) for key in ("p50_ms", "p99_ms")),
            f"{fastest[door]['requests_per_cpu_second']:,.0f}",
        )
        for door in GATEWAYS
    ]
    alone = (f"{load['service'][key]:.2f}" for load in (typical, large) for key in ("p50_ms", "p99_ms"))
    return _lines(head, [("plain Service: the whole request", *alone, ""), *rows])


def _heads(load: Result) -> list[str]:
    return [f"{share}, {load['per_second']:,.0f}/s of {_bytes(load['bytes'])}" for share in ("p50", "p99")]


def provenance(result: Result) -> str:
    """Return the machine, date and commit of a result in a line."""
    machine = result["machine"]
    load = result.get("load_average_before")
    busy = "" if load is None else f", load average {load[0]:.1f} before the run"
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, kernel {machine['kernel']}, "
        f"Python {machine['python']}; {result['measured']}, commit {result['commit']}{busy}."
    )


def _lines(head: list[str], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n"
    yield f"|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"


def _added(taken: Result) -> str:
    return f"{_milliseconds(taken['p50_ms'])} / {_milliseconds(taken['p99_ms'])}"


def _bytes(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size // 1000} KB"


def _seconds(taken: Result, *, digits: int = 1) -> str:
    return f"{taken['p50_s']:.{digits}f} s / {taken['p99_s']:.{digits}f} s"


def _most(taken: Result) -> str:
    return f"{taken['p50_s']:.2f} s / {taken['max_s']:.2f} s"


def _lost(endurance: Result) -> str:
    otherwise = _total(endurance, "failed_otherwise")
    return f"{otherwise}, and {_total(endurance, 'failed_with_the_killed_engine')} with the killed engine"


def _total(endurance: Result, key: str) -> int:
    return sum(client[key] for client in endurance["clients"].values())


def _size(size: str) -> str:
    """Return the readable name of a decision size such as `3 pools x 50`."""
    pools, _, replicas = size.partition(" pools x ")
    return f"{_count(pools, 'pool')} of {_count(replicas, 'replica')}"


def _count(number: str, noun: str) -> str:
    return f"{number} {noun}" if number == "1" else f"{number} {noun}s"


def _milliseconds(figure: float) -> str:
    return f"{figure:.2f} ms"
