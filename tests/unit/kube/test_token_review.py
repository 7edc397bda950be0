"""The user of a token, as reported by the API server."""

from typing import Any

import pytest
from embedding_operator.kube.client import Client
from embedding_operator.kube.errors import Unavailable
from embedding_operator.kube.token_review import reviewed

from tests.world.http_server import HttpServer

AUDIENCE = "embedding-operator.io"
USER = "system:serviceaccount:search:qwen-gateway"


def review(**status: Any) -> dict[str, Any]:
    return {"kind": "TokenReview", "metadata": {}, "status": status}


async def test_a_token_of_a_user(server: HttpServer, client: Client) -> None:
    answer = review(authenticated=True, audiences=[AUDIENCE], user={"username": USER})
    server.answers = [(201, answer)]
    assert await reviewed(client, "secret", audience=AUDIENCE) == USER
    assert server.requests[0].path == "/apis/authentication.k8s.io/v1/tokenreviews"
    assert server.bodies[0]["spec"] == {"token": "secret", "audiences": [AUDIENCE]}


@pytest.mark.parametrize(
    "answer",
    [
        review(),
        review(authenticated=False, error="expired"),
        review(authenticated=True, user={"username": USER}),
        review(authenticated=True, audiences=["https://kubernetes.default.svc"], user={"username": USER}),
        review(authenticated=True, audiences=[AUDIENCE]),
        review(authenticated=True, audiences=[AUDIENCE], user={"username": ""}),
        review(authenticated="yes", audiences=[AUDIENCE], user={"username": USER}),
        {"kind": "TokenReview"},
    ],
    ids=["nothing", "no", "no audience", "other audience", "no user", "no name", "no boolean", "no status"],
)
async def test_a_token_of_no_user(server: HttpServer, client: Client, answer: dict[str, Any]) -> None:
    server.answers = [(201, answer)]
    assert await reviewed(client, "secret", audience=AUDIENCE) is None


async def test_a_server_that_does_not_say(server: HttpServer, client: Client) -> None:
    server.answers = [(403, {"message": "tokenreviews is forbidden"})]
    with pytest.raises(Unavailable):
        await reviewed(client, "secret", audience=AUDIENCE)
