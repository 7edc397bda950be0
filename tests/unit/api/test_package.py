from pathlib import Path

import embedding_operator

SOURCE_ROOT = Path(embedding_operator.__file__).parents[1]


def test_the_source_root_is_no_package() -> None:
    """A package called `operator` would hide the module of the standard library."""
    assert SOURCE_ROOT.name == "operator"
    assert not (SOURCE_ROOT / "__init__.py").exists()
