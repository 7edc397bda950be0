import math
from collections.abc import Callable

import pytest

from e2e.scenarios.clients import Clients
from e2e.scenarios.watching import KIND, Watched, sample
from testbed.installation import FIRST_NAMESPACE, Installation

pytestmark = pytest.mark.kind

ENGINE_START_SECONDS = 240.0
DELETION_SECONDS = 90.0
DIMENSION = 384
TEXTS = ("The river was calm at night.", "A quiet stream in the dark.", "Invoices are due within thirty days.")


FATAL = '{"text": "The river", "sampling_params": {"max_new_tokens": 8}}'
"""A request to `/generate` that crashes an embedding engine."""
NOT_FOUND = 404
END_SECONDS = 60.0


def test_the_openai_client_gets_embeddings_no_client_ends_the_engine_and_deletion_leaves_nothing(
    installation: Installation, namespaces: Callable[[str], str]
) -> None:
    service = Watched(installation, namespaces(FIRST_NAMESPACE), "minilm")
    clients = Clients(installation, service.namespace)
    installation.offer_model(namespace=service.namespace)
    installation.apply(sample("minilm"), namespace=service.namespace)
    service.wait_for_condition("Ready", "True", seconds=ENGINE_START_SECONDS)

    river, stream, invoices = clients.embeddings(url=service.url, model=service.name, texts=TEXTS)
    assert len(river) == len(stream) == len(invoices) == DIMENSION
    assert cosine(river, stream) > cosine(river, invoices)

    assert clients.post(f"{service.url}/generate", body=FATAL) == NOT_FOUND
    assert clients.embeddings(url=service.url, model=service.name, texts=TEXTS[:1])
    assert service.restarts() == 0
    # The same request, sent past the gateway, shows what the gateway protects from.
    (engine,) = service.sight().pods
    clients.post(f"http://{engine.address}:30000/generate", body=FATAL)
    service.wait_for(lambda _: service.restarts() > 0, seconds=END_SECONDS, purpose="the engine ends")

    assert service.leftovers()
    place = f"--namespace={service.namespace}"
    installation.cluster.kubectl("delete", KIND, service.name, place, "--timeout=60s", timeout_seconds=70)
    service.wait_for(lambda _: not service.leftovers(), seconds=DELETION_SECONDS, purpose="everything is deleted")
    assert installation.objects("persistentvolumeclaims", place), "what the user made stays"


def cosine(one: list[float], other: list[float]) -> float:
    product = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return product / (math.hypot(*one) * math.hypot(*other))
