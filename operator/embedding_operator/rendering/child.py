"""A child of an EmbeddingService: its owner reference, and a template for the rest."""

from dataclasses import dataclass
from typing import Any

from embedding_operator.api.v1alpha1.base import API_VERSION
from embedding_operator.rendering import template
from embedding_operator.rendering.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRef:
    """The EmbeddingService that owns the rendered objects."""

    namespace: str
    name: str
    uid: str

    def owner_references(self) -> list[dict[str, Any]]:
        """Return the reference that makes the service the controller of a child."""
        return [
            {
                "apiVersion": API_VERSION,
                "kind": "EmbeddingService",
                "name": self.name,
                "uid": self.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]


def rendered(template_name: str, service: ServiceRef, /, **values: object) -> Manifest:
    """Return the child of `service` that a template describes with `values`."""
    owners = service.owner_references()
    return Manifest.of(template.render(template_name, namespace=service.namespace, owners=owners, **values))
