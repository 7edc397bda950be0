"""Who issues the cluster's ServiceAccount tokens, as the API server publishes it."""

from dataclasses import dataclass
from typing import Any

from embedding_operator.kube.client import Client

CONFIGURATION_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/openid/v1/jwks"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """The name that tokens give as their issuer, and its public keys: a JSON Web Key Set, RFC 7517."""

    name: str
    keys: dict[str, Any]


async def token_issuer(client: Client) -> TokenIssuer:
    """Return the issuer. Raises `Unavailable` or `Gone` if the API server does not say who it is."""
    configuration = await client.document(CONFIGURATION_PATH)
    # Not at the `jwks_uri` of the configuration: that is the issuer's public address, often of another server.
    return TokenIssuer(name=str(configuration.get("issuer", "")), keys=await client.document(KEYS_PATH))
