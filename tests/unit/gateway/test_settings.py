from pathlib import Path

import pytest
from embedding_operator.gateway.settings import PREFIX, Settings
from embedding_operator.settings import SettingsError

NEEDED = {"NAMESPACE": "search", "SERVICE": "qwen", "ENGINES_SELECTOR": "kubernetes.io/service-name=qwen-engines"}


def read(**variables: str) -> Settings:
    return Settings.from_environment({f"{PREFIX}{name}": text for name, text in (NEEDED | variables).items()})


def test_three_variables_are_needed() -> None:
    settings = read()
    assert (settings.namespace, settings.service, settings.port) == ("search", "qwen", 8405)
    with pytest.raises(SettingsError, match="EMBEDDING_GATEWAY_NAMESPACE is not set: give it a value"):
        Settings.from_environment({})


def test_every_variable_is_read() -> None:
    settings = read(
        ENGINES_PORT="serving",
        MAX_CONNECTIONS="8",
        SOCKET="/s",
        KEYS_FOLDER="/k",
        KEYS_MAP="/m",
        STATE_MAP="/e",
        PORT="9405",
        OPERATOR_HOST="operator.system",
        OPERATOR_PORT="9082",
        TOKEN_FILE="/t",  # noqa: S106
        LINGER_SECONDS="2.5",
        LOG_LEVEL="debug",
    )
    assert settings == Settings(
        namespace="search",
        service="qwen",
        engines_selector="kubernetes.io/service-name=qwen-engines",
        engines_port="serving",
        max_connections=8,
        socket=Path("/s"),
        keys_folder=Path("/k"),
        keys_map=Path("/m"),
        state_map=Path("/e"),
        port=9405,
        operator_host="operator.system",
        operator_port=9082,
        token_file=Path("/t"),
        linger_seconds=2.5,
        log_level="debug",
    )


def test_an_empty_variable_is_none() -> None:
    assert read(PORT=" ") == read()


@pytest.mark.parametrize(
    ("name", "text"),
    [("PORT", "0"), ("PORT", "http"), ("MAX_CONNECTIONS", "0"), ("LINGER_SECONDS", "soon"), ("LOG_LEVEL", "loud")],
)
def test_an_unusable_value_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"EMBEDDING_GATEWAY_{name}='{text}': input should be"):
        read(**{name: text})


def test_a_variable_that_is_not_known_is_named() -> None:
    with pytest.raises(SettingsError, match="EMBEDDING_GATEWAY_PROT is unknown: use one of EMBEDDING_GATEWAY_NAMESPA"):
        read(PROT="1")
