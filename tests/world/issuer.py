"""An issuer of ServiceAccount tokens, with a key of its own."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from embedding_operator.kube.token_issuer import CONFIGURATION_PATH, KEYS_PATH, TokenIssuer
from embedding_operator.rendering.gateway_pod import AUDIENCE

NAME = "https://kubernetes.default.svc"
GATEWAY = "system:serviceaccount:search:qwen-gateway"


class IssuerOfTests:
    """Signs tokens; `documents` are what an API server publishes about it, by path."""

    def __init__(self, key_id: str = "first") -> None:
        self.key_id = key_id
        self._key = ec.generate_private_key(ec.SECP256R1())
        public: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        keys = {"keys": [{**public, "kid": key_id, "use": "sig", "alg": "ES256"}]}
        self.published = TokenIssuer(name=NAME, keys=keys)
        self.documents: dict[str, dict[str, Any]] = {CONFIGURATION_PATH: {"issuer": NAME}, KEYS_PATH: keys}

    def token(self, **claims: Any) -> str:
        """Return a token of a gateway with other `claims`; a claim that is None is left out."""
        plain = {"iss": NAME, "aud": [AUDIENCE], "sub": GATEWAY, "exp": int(time.time()) + 600, **claims}
        given = {name: value for name, value in plain.items() if value is not None}
        return jwt.encode(given, self._key, algorithm="ES256", headers={"kid": self.key_id})
