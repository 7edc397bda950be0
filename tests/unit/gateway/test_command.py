"""The command line: what it prepares, and its errors."""

import sys
from pathlib import Path

import pytest
from embedding_operator.__main__ import main

from tests.unit.gateway.secret import put_secret
from tests.unit.gateway.test_keys import digest


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(sys, "argv", ["embedding-operator", "gateway-agent", "--prepare"])
    for name, value in {
        "NAMESPACE": "search",
        "SERVICE": "qwen",
        "ENGINES_SELECTOR": "a=b",
        "KEYS_FOLDER": str(tmp_path / "keys"),
        "KEYS_MAP": str(tmp_path / "keys.map"),
        "STATE_MAP": str(tmp_path / "state.map"),
        "MEMBERS_FILE": str(tmp_path / "members.json"),
    }.items():
        monkeypatch.setenv(f"EMBEDDING_GATEWAY_{name}", value)
    return tmp_path / "keys.map"


def test_without_keys_an_empty_map_is_prepared(prepared: Path) -> None:
    main()
    assert prepared.read_text() == ""
    assert prepared.with_name("state.map").read_text() == ""


def test_keys_are_prepared_and_a_useless_one_keeps_only_its_client_out(
    prepared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_secret(tmp_path / "keys", {"search": "sk-1", "ads": ""})
    main()
    assert prepared.read_text() == f"{digest('sk-1')} search\n"
    logged = capsys.readouterr().out
    assert "the key of client ads is empty" in logged
    assert "sk-1" not in logged


def test_a_map_that_cannot_be_written_ends_it(prepared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared.mkdir()
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert str(prepared) in capsys.readouterr().out


def test_settings_that_cannot_be_used_end_it_with_their_name(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMBEDDING_GATEWAY_PORT", "http")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "EMBEDDING_GATEWAY_PORT='http'" in capsys.readouterr().err
