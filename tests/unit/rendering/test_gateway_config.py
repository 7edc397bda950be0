"""The gateway's files are a function of its settings, and no setting can inject HAProxy syntax."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from embedding_operator.rendering import text_template
from embedding_operator.rendering.gateway_config import GatewayConfig, gateway_config
from embedding_operator.rendering.gateway_errors import BY_STATUS
from embedding_operator.rendering.text_template import UnsafeValueError
from jinja2 import UndefinedError

CONFIG = GatewayConfig(service="search", namespace="team")
HOSTILE = ["", "a b", "a\nglobal", "a'b", 'a"b', "a#b", "a%b", "${A}", "a\\b", "{{ a }}", "a;b", "../a", "é", "a/b"]
PATHS = ["config_folder", "run_folder"]
TEXTS = ["address", *PATHS]


def text(**changes: Any) -> str:
    return gateway_config(replace(CONFIG, **changes)).haproxy_cfg


def test_equal_settings_give_equal_files() -> None:
    assert gateway_config(CONFIG) == gateway_config(replace(CONFIG))


@pytest.mark.parametrize("name", [field.name for field in fields(GatewayConfig)])
def test_every_setting_changes_the_file(name: str) -> None:
    before = getattr(CONFIG, name)
    after: object = (
        (not before) if isinstance(before, bool) else before + 1 if isinstance(before, int) else f"{before}1"
    )
    assert text(**{name: after}) != text()


def test_the_lua_is_the_same_for_all() -> None:
    assert gateway_config(CONFIG).lua == gateway_config(replace(CONFIG, service="other", hold_seconds=1)).lua


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", ["service", "namespace"])
def test_a_name_that_is_no_label_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: .*is not a DNS label"):
        text(**{name: value})


@pytest.mark.parametrize("value", [*HOSTILE[:-1], "relative path", "/a/../b", "/a b"])
@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_could_be_syntax_is_refused(name: str, value: str) -> None:
    with pytest.raises(UnsafeValueError):
        text(**{name: value})


@pytest.mark.parametrize(
    "name", ["queue_timeout_seconds", "body_limit_bytes", "poke_queue_per_engine", "http_port", "max_connections"]
)
def test_a_number_that_no_gateway_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}: must be at least"):
        text(**{name: 0})


@pytest.mark.parametrize("value", [True, 1.5, None, "", ["a"]])
def test_only_whole_numbers_and_words_are_rendered(value: object) -> None:
    with pytest.raises((UnsafeValueError, TypeError)):
        text(hold_seconds=value)


def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        text_template.render("haproxy.cfg.j2", gateway=CONFIG)


def test_a_buffer_holds_the_largest_body_and_the_largest_headers() -> None:
    lines = text(body_limit_bytes=1_000_000).splitlines()
    (buffer,) = [int(line.split()[1]) for line in lines if line.strip().startswith("tune.bufsize")]
    (headers,) = [int(line.rsplit(" gt ")[1].split()[0]) for line in lines if "req.hdrs,length" in line]
    assert buffer >= 1_000_000 + 2 * headers


def test_keys_are_asked_for_only_where_they_are_required() -> None:
    assert "keys.map" not in text()
    assert "/run/gateway/keys.map" in text(keys_required=True)


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_every_error_of_haproxy_has_openais_shape(status: int) -> None:
    assert f"http-error status {status} content-type application/json string '{BY_STATUS[status].document()}'" in text()
