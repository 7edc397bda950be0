"""The engines on disk: read as they were written, and absent if they cannot be read."""

from pathlib import Path

import pytest
from embedding_operator.gateway.endpoints import Endpoint, EndpointPhase
from embedding_operator.gateway.members import read_members, write_members

MEMBERS = tuple(
    Endpoint(name=name, uid=f"{name}-uid", address=address, port=30000, phase=phase, max_connections=32)
    for name, address, phase in (("a", "10.0.0.7", EndpointPhase.READY), ("b", "fd00::7", EndpointPhase.UNREADY))
)


def test_members_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "members.json"
    assert read_members(path) is None
    write_members(path, MEMBERS)
    assert read_members(path) == MEMBERS
    write_members(path, ())
    assert read_members(path) == ()
    assert [each.name for each in tmp_path.iterdir()] == ["members.json"]


@pytest.mark.parametrize("content", ["", "{", "{}", '[{"name": "a"}]', "\udcff"])
def test_what_cannot_be_read_is_absent(tmp_path: Path, content: str) -> None:
    path = tmp_path / "members.json"
    path.write_text(content, errors="surrogateescape")
    assert read_members(path) is None
