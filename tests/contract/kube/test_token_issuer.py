"""Tokens of the real API server are verified with the keys that it publishes."""

import time

from embedding_operator.kube.resources import Resource
from embedding_operator.kube.token_issuer import token_issuer
from embedding_operator.poke.tokens import Tokens
from embedding_operator.rendering.gateway_pod import AUDIENCE
from kubernetes.aio.client import CoreV1Api
from kubernetes.aio.client.models import AuthenticationV1TokenRequest, V1TokenRequestSpec

from tests.contract.kube.objects import Place

SERVICE_ACCOUNT = Resource(api_version="v1", kind="ServiceAccount", plural="serviceaccounts")


async def token(place: Place, *, audience: str) -> str:
    spec = V1TokenRequestSpec(audiences=[audience], expiration_seconds=600)
    answer = await CoreV1Api(place.client.api).create_namespaced_service_account_token(
        "qwen-gateway", place.namespace, AuthenticationV1TokenRequest(spec=spec)
    )
    assert answer.status is not None
    return str(answer.status.token)


async def test_the_token_of_a_service_account_is_known_by_its_name(place: Place) -> None:
    metadata = {"name": "qwen-gateway", "namespace": place.namespace}
    await place.client.create(SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    tokens = Tokens(lambda: token_issuer(place.client), audience=AUDIENCE, monotonic=time.monotonic)
    assert (
        await tokens.user_of(await token(place, audience=AUDIENCE))
        == f"system:serviceaccount:{place.namespace}:qwen-gateway"
    )
    assert await tokens.user_of(await token(place, audience="https://kubernetes.default.svc")) is None
