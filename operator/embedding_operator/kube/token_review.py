"""Asking the API server whose token a client presents."""

from embedding_operator.kube.client import Client
from embedding_operator.kube.resources import Resource

TOKEN_REVIEW = Resource(
    api_version="authentication.k8s.io/v1", kind="TokenReview", plural="tokenreviews", namespaced=False
)


async def reviewed(client: Client, token: str, *, audience: str) -> str | None:
    """Return the name of the user that `token` authenticates; None if it is not valid, or not meant for `audience`.

    Raises `Unavailable` if the API server does not answer.
    """
    answer = await client.create(
        TOKEN_REVIEW,
        {
            "apiVersion": TOKEN_REVIEW.api_version,
            "kind": TOKEN_REVIEW.kind,
            "metadata": {},
            "spec": {"token": token, "audiences": [audience]},
        },
    )
    status = answer.get("status") or {}
    # A server without support for audiences omits them, and has not checked them.
    if status.get("authenticated") is not True or audience not in (status.get("audiences") or ()):
        return None
    name = (status.get("user") or {}).get("username")
    return name if isinstance(name, str) and name else None
