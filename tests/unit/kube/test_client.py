"""The client against a small HTTP server with predefined responses."""

from dataclasses import replace
from pathlib import Path

import pytest
from embedding_operator.kube.client import Answered, Client, connect
from embedding_operator.kube.errors import Conflict, Gone, Unavailable
from embedding_operator.kube.resources import DEPLOYMENT, EMBEDDING_SERVICE, POD

from tests.world.http_server import Answer, HttpServer


def page(*names: str, then: str = "", version: str = "7") -> Answer:
    return 200, {
        "metadata": {"resourceVersion": version, "continue": then},
        "items": [{"metadata": {"name": name}} for name in names],
    }


async def test_a_request_says_who_asks(server: HttpServer, client: Client) -> None:
    server.answers = [(200, {"metadata": {}})]
    await client.get(DEPLOYMENT, namespace="search", name="qwen")
    assert server.lines == ["GET /apis/apps/v1/namespaces/search/deployments/qwen"]
    assert server.requests[0].headers["User-Agent"] == "embedding-operator/1"
    assert server.requests[0].headers["Authorization"] == "Bearer first"


async def test_a_list_is_read_page_by_page(server: HttpServer, client: Client) -> None:
    server.answers = [page("a", "b", then="t/1="), page("c", version="8")]
    listing = await client.list_all(POD, selector="app=x,tier", page_size=2)
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b", "c"]
    assert listing.resource_version == "7"
    assert [dict(request.query) for request in server.requests] == [
        {"limit": "2", "labelSelector": "app=x,tier"},
        {"limit": "2", "labelSelector": "app=x,tier", "continue": "t/1="},
    ]


async def test_one_namespace_can_be_listed(server: HttpServer, client: Client) -> None:
    server.answers = [page()]
    await client.list_all(POD, namespace="search")
    assert server.requests[0].path == "/api/v1/namespaces/search/pods"


async def test_a_list_whose_next_page_is_gone_begins_again(server: HttpServer, client: Client) -> None:
    server.answers = [page("old", then="t"), (410, {"message": "expired"}), page("new", version="9")]
    listing = await client.list_all(POD)
    assert [item["metadata"]["name"] for item in listing.items] == ["new"]
    assert listing.resource_version == "9"


async def test_a_list_that_is_gone_again_and_again_is_gone(server: HttpServer, client: Client) -> None:
    server.answers = [page("old", then="t"), (410, {})] * 3
    with pytest.raises(Gone):
        await client.list_all(POD)
    assert len(server.requests) == 6


async def test_a_kind_that_the_server_does_not_know_is_gone_at_once(server: HttpServer, client: Client) -> None:
    server.answers = [(404, {"message": "the server could not find the requested resource"})]
    with pytest.raises(Gone):
        await client.list_all(EMBEDDING_SERVICE)
    assert len(server.requests) == 1


async def test_apply_is_server_side_with_one_manager(server: HttpServer, client: Client) -> None:
    body = {"metadata": {"name": "qwen", "namespace": "search"}, "status": {}}
    server.answers = [(200, body)]
    assert await client.apply(EMBEDDING_SERVICE, body, force=True, manager="m", subresource="status") == body
    request = server.requests[0]
    assert request.path.endswith("/namespaces/search/embeddingservices/qwen/status")
    assert (request.method, dict(request.query)) == ("PATCH", {"fieldManager": "m", "force": "true"})
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"
    assert server.bodies == [body]


async def test_a_merge_patch_is_one(server: HttpServer, client: Client) -> None:
    server.answers = [(200, {})]
    patch = {"metadata": {"annotations": {"a": None}}}
    await client.merge(POD, patch, name="a", namespace="search")
    assert server.requests[0].headers["Content-Type"] == "application/merge-patch+json"
    assert server.bodies == [patch]


async def test_a_delete_is_of_what_was_seen(server: HttpServer, client: Client) -> None:
    server.answers = [(200, {})]
    await client.delete(DEPLOYMENT, namespace="search", name="qwen", uid="u", resource_version="5")
    assert server.lines == ["DELETE /apis/apps/v1/namespaces/search/deployments/qwen"]
    assert server.bodies[0]["preconditions"] == {"uid": "u", "resourceVersion": "5"}


@pytest.mark.parametrize(("status", "error"), [(409, Conflict), (404, Gone), (503, Unavailable), (301, Unavailable)])
async def test_errors_are_three(server: HttpServer, client: Client, status: int, error: type[Exception]) -> None:
    server.answers = [(status, "no json")]
    with pytest.raises(error):
        await client.get(POD, namespace="search", name="a")


async def test_the_servers_wish_to_wait_is_passed_on(server: HttpServer, client: Client) -> None:
    server.answers = [(429, {"message": "slow down"})]
    server.headers = {"Retry-After": "3"}
    with pytest.raises(Unavailable) as caught:
        await client.get(POD, namespace="search", name="a")
    assert (caught.value.status, caught.value.retry_after) == (429, 3.0)
    assert len(server.requests) == 1


async def test_a_server_that_does_not_answer_is_unavailable(server: HttpServer, client: Client) -> None:
    server.answers = [(0, {})]
    with pytest.raises(Unavailable, match="no answer in time"):
        await client.get(POD, namespace="search", name="a")


async def test_every_request_is_counted(server: HttpServer, client: Client, answered: list[Answered]) -> None:
    server.answers = [(200, {}), (409, {}), (0, {})]
    body = {"metadata": {"name": "qwen", "namespace": "search"}}
    await client.apply(EMBEDDING_SERVICE, body, force=True, subresource="status")
    with pytest.raises(Conflict):
        await client.replace(DEPLOYMENT, body)
    with pytest.raises(Unavailable):
        await client.get(POD, name="a", namespace="search")
    assert [(each.verb, each.resource, each.code) for each in answered] == [
        ("patch", "embeddingservices.embedding-operator.io/status", "200"),
        ("update", "deployments.apps", "409"),
        ("get", "pods", "error"),
    ]
    assert answered[2].seconds >= 0.5


async def test_behind_a_closed_gate_nothing_is_written_and_everything_read(server: HttpServer, client: Client) -> None:
    answers = iter([1.0, 0.0, 0.0, 0.0, 0.0, -1.0])
    gated = client.behind(lambda: next(answers))
    body = {"metadata": {"name": "qwen", "namespace": "search"}}
    server.answers = [(200, {}), (200, {})]
    await gated.apply(DEPLOYMENT, body, force=True)
    await gated.get(DEPLOYMENT, name="qwen")
    for write in (
        gated.apply(DEPLOYMENT, body, force=True),
        gated.create(DEPLOYMENT, body),
        gated.replace(DEPLOYMENT, body),
        gated.merge(DEPLOYMENT, {}, name="qwen"),
        gated.delete(DEPLOYMENT, namespace="search", name="qwen", uid="u", resource_version="1"),
    ):
        with pytest.raises(Unavailable, match="Lease"):
            await write
    assert [request.method for request in server.requests] == ["PATCH", "GET"]


async def test_a_write_is_under_way_no_longer_than_the_gate_allows(server: HttpServer, client: Client) -> None:
    server.answers = [(0, {})]
    patient = replace(client, timeout_seconds=30.0).behind(lambda: 0.2)
    with pytest.raises(Unavailable, match="no answer in time"):
        await patient.apply(DEPLOYMENT, {"metadata": {"name": "qwen", "namespace": "search"}}, force=True)
    assert [request.method for request in server.requests] == ["PATCH"]


async def test_a_rotated_token_is_picked_up_within_a_minute(server: HttpServer, tmp_path: Path) -> None:
    clock = [100.0]
    async with await connect(kubeconfig=server.kubeconfig, user_agent="x", monotonic=lambda: clock[0]) as client:
        server.answers = [(200, {})] * 3
        (tmp_path / "token").write_text("second")
        for seconds in (0.0, 59.0, 2.0):
            clock[0] += seconds
            await client.get(POD, name="a", namespace="search")
    tokens = [request.headers["Authorization"] for request in server.requests]
    assert tokens == ["Bearer first", "Bearer first", "Bearer second"]


async def test_a_token_that_cannot_be_read_is_unavailable(server: HttpServer, tmp_path: Path) -> None:
    clock = [100.0]
    async with await connect(kubeconfig=server.kubeconfig, user_agent="x", monotonic=lambda: clock[0]) as client:
        (tmp_path / "token").unlink()
        clock[0] += 61.0
        with pytest.raises(Unavailable):
            await client.get(POD, name="a", namespace="search")
    assert server.requests == []


@pytest.mark.parametrize("kubeconfig", [Path("/nonexistent/config"), None])
async def test_a_configuration_that_cannot_be_read_is_unavailable(
    kubeconfig: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Unavailable, match="load configuration"):
        await connect(kubeconfig=kubeconfig, user_agent="x")
