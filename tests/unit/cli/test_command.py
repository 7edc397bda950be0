"""The command line: what is printed, where, and what ends it."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from embedding_operator.cli.command import main
from embedding_operator.kube.client import Body
from embedding_operator.kube.metadata import rfc3339_micro

from tests.world.http_server import Answer, HttpServer, http_server

Run = Callable[..., tuple[int, str, str]]

STORY = Path(__file__).parent / "stories/handover.yaml"
SERVICE = yaml.safe_load(STORY.read_text(encoding="utf-8"))
LEASES = "/apis/coordination.k8s.io/v1/leases?limit=500&labelSelector=app.kubernetes.io/part-of%3Dembedding-operator"
NO_LEASES: Answer = 200, {"metadata": {"resourceVersion": "7"}, "items": []}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command and returns its exit code, output and error output."""

    def running(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kubectl-embsvc", *arguments])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return running


def test_without_arguments_it_says_what_it_can_do(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (0, "")
    assert "usage: kubectl embsvc" in out
    assert "explain" in out


def test_a_wrong_word_is_wrong_usage(run: Run) -> None:
    code, out, err = run("explian")
    assert (code, out) == (2, "")
    assert "invalid choice: 'explian'" in err


def test_a_file_is_explained(run: Run) -> None:
    code, out, err = run("explain", "-f", str(STORY))
    assert (code, err) == (0, "")
    first, second, *_ = out.splitlines()
    assert first == "search/qwen3-embedding"
    assert second.startswith("  The change of windows at 2026-06-01 13:00 UTC ("), "it was saved long ago"


def test_a_file_is_explained_as_json(run: Run) -> None:
    code, out, err = run("explain", "-f", str(STORY), "--output", "json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["service"] == "search/qwen3-embedding"
    assert [each["heading"] for each in document["explanation"]][1:4] == ["Schedule", "Load", "Decision"]
    assert document["decision"]["steps"][0]["reason"] == "RateDemand"
    assert "memory" not in document["decision"]


def test_standard_input_is_explained(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(yaml.safe_dump(SERVICE["status"])))
    code, out, _ = run("explain", "mine", "-f", "-")
    assert code == 0
    assert out.startswith("mine\n")


def listed(*names: str) -> dict[str, Any]:
    items = [{**SERVICE, "metadata": {"name": name}} for name in names]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def test_one_of_a_list_is_explained_if_it_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(listed("one", "two")))
    code, out, _ = run("explain", "two", "-f", str(tmp_path / "all.yaml"))
    assert (code, out.splitlines()[0]) == (0, "two")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "saved.yaml is neither YAML nor JSON: save it with kubectl get embsvc NAME -o yaml"),
        ("", "saved.yaml contains no EmbeddingService: save it with kubectl get embsvc NAME -o yaml"),
        ("a: 1", "saved.yaml contains no EmbeddingService, but None: save it"),
        ("kind: Pod", "saved.yaml contains no EmbeddingService, but Pod: save it"),
        (yaml.safe_dump(listed("one", "two")), "saved.yaml contains one, two: name one of them"),
        (yaml.safe_dump(listed()), "saved.yaml contains no EmbeddingService, but an empty list: save it"),
        (
            yaml.safe_dump({**SERVICE, "status": {}}),
            (
                "EmbeddingService search/qwen3-embedding has no status yet: check that the operator is running and "
                "watches this namespace"
            ),
        ),
        (
            yaml.safe_dump({**SERVICE, "status": {"replicas": "many"}}),
            "the status of search/qwen3-embedding cannot be read (status.replicas: Input should be a valid integer",
        ),
    ],
)
def test_a_file_that_cannot_be_explained_says_what_it_should_be(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("saved.yaml").write_text(content)
    code, out, err = run("explain", "-f", "saved.yaml")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {complaint}")


def test_a_file_that_is_not_there_is_named(run: Run) -> None:
    complaint = "error: nowhere.yaml cannot be read: No such file or directory\n"
    assert run("explain", "-f", "nowhere.yaml") == (1, "", complaint)


def test_a_file_cannot_make_the_terminal_obey(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "\x1b[2J.yaml"
    _, said, complaint = run("explain", "-f", str(saved))
    assert "\x1b" not in said + complaint
    assert "\\x1b[2J.yaml" in complaint


def test_explain_needs_a_service(run: Run) -> None:
    assert run("explain") == (
        1,
        "",
        "error: name the service to explain, or give a saved one with -f\n",
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[HttpServer]:
    async with http_server(tmp_path) as serving:
        yield serving


async def ran(run: Run, server: HttpServer, *arguments: str) -> tuple[int, str, str]:
    """Run the command in parallel to the server: it has its own event loop."""
    return await asyncio.to_thread(run, "explain", *arguments, "--kubeconfig", str(server.kubeconfig))


async def test_a_service_of_the_cluster_is_explained(run: Run, server: HttpServer) -> None:
    server.answers = [(200, SERVICE), NO_LEASES]
    code, out, err = await ran(run, server, "qwen3-embedding", "-n", "search")
    assert (code, err) == (0, "")
    assert out.startswith("search/qwen3-embedding\n")
    path = "/apis/embedding-operator.io/v1alpha1/namespaces/search/embeddingservices/qwen3-embedding"
    assert server.lines == [f"GET {path}", f"GET {LEASES}"]
    assert server.requests[0].headers["User-Agent"].startswith("kubectl-embsvc/")


async def test_the_namespace_of_the_context_is_the_default(run: Run, server: HttpServer) -> None:
    config = server.kubeconfig.read_text()
    other = "{name: other, context: {cluster: test, user: test, namespace: ads}}"
    server.kubeconfig.write_text(config.replace("contexts: [", f"contexts: [{other}, "))
    server.answers = [(200, SERVICE), NO_LEASES, (200, SERVICE), NO_LEASES]
    await ran(run, server, "qwen")
    await ran(run, server, "qwen", "--context", "other")
    assert [line.split("/")[5] for line in server.lines if LEASES not in line] == ["default", "ads"]


def lease(holder: str = "operator-1", *, ago: timedelta = timedelta(seconds=2)) -> Body:
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "renewTime": rfc3339_micro(datetime.now(UTC) - ago),
    }
    return {"metadata": {"name": "embedding-operator", "namespace": "system"}, "spec": spec}


LONG_AGO = timedelta(minutes=10)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, {"metadata": {"resourceVersion": "7"}, "items": [lease()]}), None),
        ((200, {"metadata": {"resourceVersion": "7"}, "items": [lease(ago=LONG_AGO), lease()]}), None),
        ((200, {"metadata": {"resourceVersion": "7"}, "items": []}), None),
        ((403, {"message": "eve may not list leases"}), None),
        (
            (200, {"metadata": {"resourceVersion": "7"}, "items": [lease(ago=LONG_AGO)]}),
            "No operator acts on it: Lease system/embedding-operator of operator-1 has expired, it was renewed at",
        ),
        (
            (200, {"metadata": {"resourceVersion": "7"}, "items": [lease("")]}),
            "No operator acts on it: Lease system/embedding-operator is free, it was renewed at",
        ),
    ],
    ids=["leads", "one of two leads", "without a Lease", "forbidden", "gone", "released"],
)
async def test_whether_an_operator_leads_is_said_first(
    run: Run, server: HttpServer, answer: Answer, said: str | None
) -> None:
    server.answers = [(200, SERVICE), answer]
    code, out, _ = await ran(run, server, "qwen3-embedding", "-n", "search")
    text = " ".join(out.split())
    assert code == 0
    assert ("No operator acts on it" in text) is (said is not None)
    if said is not None:
        assert text.startswith(f"search/qwen3-embedding {said}")


NOT_FOUND: Answer = 404, {"message": 'embeddingservices.embedding-operator.io "qwen" not found'}


def elsewhere(request: web.Request, _: Any) -> Answer:
    items = [{"metadata": {"name": name, "namespace": "search"}} for name in ("qwen", "bge")]
    return 200, {"metadata": {"resourceVersion": "7"}, "items": items}


@pytest.mark.parametrize(
    ("first", "then", "complaint"),
    [
        (NOT_FOUND, (200, {"metadata": {"resourceVersion": "7"}, "items": []}), "kubectl get embsvc -A lists all"),
        (NOT_FOUND, (403, {"message": "no"}), "kubectl get embsvc -A lists all"),
        (NOT_FOUND, elsewhere(None, None), "there is one in search: use -n"),  # type: ignore[arg-type]
    ],
    ids=["nowhere", "who knows", "elsewhere"],
)
async def test_a_service_that_is_not_there(
    run: Run, server: HttpServer, first: Answer, then: Answer, complaint: str
) -> None:
    server.answers = [first, then]
    code, out, err = await ran(run, server, "qwen", "-n", "ads")
    assert (code, out, err) == (1, "", f"error: no EmbeddingService qwen in namespace ads: {complaint}\n")


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (
            (404, "404 page not found"),
            "the cluster has no EmbeddingService CRD: install the operator, or use another --context",
        ),
        (
            (403, {"message": "eve may not get embeddingservices"}),
            (
                "get embeddingservices.embedding-operator.io default/qwen: eve may not get embeddingservices; ask an "
                "admin for the role view, which includes EmbeddingServices if the chart aggregates its roles"
            ),
        ),
    ],
)
async def test_what_the_cluster_refuses_is_said_with_the_fix(
    run: Run, server: HttpServer, answer: Answer, complaint: str
) -> None:
    server.answers = [answer]
    assert await ran(run, server, "qwen") == (1, "", f"error: {complaint}\n")


async def test_a_cluster_that_does_not_answer_is_named(run: Run, server: HttpServer) -> None:
    config = server.kubeconfig
    config.write_text(config.read_text().replace("http://127.0.0.1:", "http://127.0.0.1:1/"))
    code, _, err = await ran(run, server, "qwen")
    assert code == 1
    assert err.endswith(f"; check that context test of {config} is the right one and that its cluster is running\n")


def test_a_context_that_is_not_there_is_named_with_those_that_are(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("{current-context: a, contexts: [{name: b, context: {}}, {name: a, context: {}}]}")
    code, _, err = run("explain", "qwen", "--kubeconfig", str(config), "--context", "c")
    assert (code, err) == (1, f"error: {config} has no context c: use one of a, b\n")


async def test_a_kubeconfig_without_a_current_context_needs_one(run: Run, server: HttpServer) -> None:
    config = server.kubeconfig.read_text()
    server.kubeconfig.write_text(config.replace("current-context: test\n", ""))
    server.answers = [(200, SERVICE)]
    code, _, err = await ran(run, server, "qwen")
    assert (code, err) == (1, f"error: {server.kubeconfig} has no current context: use --context with one of test\n")
    assert (await ran(run, server, "qwen", "--context", "test"))[0] == 0


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no kubeconfig {path}: set KUBECONFIG, or use --kubeconfig"),
        ("[]", "{path} cannot be used as a kubeconfig: set KUBECONFIG, or use --kubeconfig"),
        ("{", "{path} cannot be used as a kubeconfig: set KUBECONFIG, or use --kubeconfig"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_named(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    complaint: str,
) -> None:
    config = tmp_path / "config"
    if content is not None:
        config.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(config))
    code, out, err = run("explain", "qwen")
    assert (code, out, err) == (1, "", f"error: {complaint.format(path=config)}\n")
