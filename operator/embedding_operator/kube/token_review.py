"""Asking the API server whose token somebody shows."""

from embedding_operator.kube.client import Client
from embedding_operator.kube.resources import Resource

TOKEN_REVIEW = Resource(
    api_version="authentication.k8s.io/v1", kind="TokenReview", plural="tokenreviews", namespaced=False
)


async def reviewed(client: Client, token: str, *, audience: str) -> str | None:
    """Return the name of the user whose `token` it is, or None if it is nobody's, or not meant for `audience`.

    Raises `Unavailable` where the API server does not say.
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
    # A server that knows nothing of audiences leaves them out, and has not checked them.
    if status.get("authenticated") is not True or audience not in (status.get("audiences") or ()):
        return None
    name = (status.get("user") or {}).get("username")
    return name if isinstance(name, str) and name else None
