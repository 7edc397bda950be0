"""A rendered object, with a digest that tells whether it changed."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The desired state of one Kubernetes object; `digest` is the SHA-256 of its canonical JSON."""

    api_version: str
    kind: str
    namespace: str
    name: str
    body: dict[str, Any]
    digest: str

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Manifest":
        """Return the manifest of a namespaced object."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
        return cls(
            api_version=body["apiVersion"],
            kind=body["kind"],
            namespace=body["metadata"]["namespace"],
            name=body["metadata"]["name"],
            body=body,
            digest=hashlib.sha256(canonical.encode()).hexdigest(),
        )
