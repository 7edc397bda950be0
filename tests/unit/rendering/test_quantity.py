"""Quantities are read as Kubernetes reads them."""

import pytest
from embedding_operator.rendering import quantity


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (2, 2),
        ("0", 0),
        ("500m", 0),
        ("1500m", 1),
        ("1k", 1000),
        ("1Ki", 1024),
        ("1.5Mi", 1536 * 1024),
        (".5Gi", 512 * 1024**2),
        ("1.G", 1000**3),
        ("2e3", 2000),
        ("2E3", 2000),
        ("2E", 2 * 1000**6),
        ("1e-3", 0),
        ("-1Ki", -1024),
        ("+1", 1),
        ("123456789123456789Ei", 123456789123456789 * 1024**6),
    ],
)
def test_a_quantity_is_a_number(text: str | int, number: int) -> None:
    assert quantity.whole(text) == number


@pytest.mark.parametrize("text", ["", "8GB", "1 Gi", "Gi", "1e", "1e999", "0x10", "one", "1ki", "NaN", "Infinity"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity.whole(text)
