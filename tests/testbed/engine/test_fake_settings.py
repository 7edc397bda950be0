import pytest

from testbed.engine.fake.faults import Fault
from testbed.engine.fake.settings import Matryoshka, SettingsError, read_settings

RENDERED = (
    *("--model-path", "Qwen/Qwen3-Embedding-0.6B", "--revision", "abc", "--served-model-name", "qwen"),
    *("--is-embedding", "--host", "10.0.0.1", "--port", "30000", "--context-length", "8192"),
    *("--max-queued-requests", "1024", "--enable-metrics", "--sleep-on-idle", "--dtype", "bfloat16"),
    *("--chunked-prefill-size", "4096", "--mem-fraction-static", "0.8", "--attention-backend", "flashinfer"),
    *("--json-model-override-args", '{"is_matryoshka": true}', "--bucket-e2e-request-latency", "0.1", "0.2"),
)


def test_the_command_line_of_the_real_engine_is_followed_where_it_matters() -> None:
    engine = read_settings(RENDERED, environment={}).engine

    assert (engine.host, engine.port, engine.served_model_name) == ("10.0.0.1", 30000, "qwen")
    assert (engine.context_length, engine.max_queued_requests, engine.tokens_per_batch) == (8192, 1024, 4096)
    assert (engine.metrics_enabled, engine.matryoshka) == (True, Matryoshka(enabled=True))


@pytest.mark.parametrize(("chunk", "tokens"), [("-1", 16384), ("2048", 2048), ("99999", 16384)])
def test_a_batch_holds_the_smaller_of_chunk_and_prefill_limit(chunk: str, tokens: int) -> None:
    assert read_settings(["--chunked-prefill-size", chunk], environment={}).engine.tokens_per_batch == tokens


def test_like_the_real_engine_it_listens_on_loopback_unless_told_otherwise() -> None:
    assert read_settings([], environment={}).engine.host == "127.0.0.1"


def test_options_are_never_guessed_from_their_beginning() -> None:
    assert read_settings(["--served", "x", "--enable-metric"], environment={}).engine.metrics_enabled is False


def test_variables_set_the_behaviour() -> None:
    environment = {
        "FAKE_ENGINE_DIMENSION": "8",
        "FAKE_ENGINE_START_DELAY_SECONDS": "2.5",
        "FAKE_ENGINE_PER_ADDRESS": "true",
        "FAKE_ENGINE_FAULTS": "hang,metrics-nan",
        "FAKE_ENGINE_VECTOR_SPACE": "elsewhere",
        "HOME": "/home",
    }

    settings = read_settings([], environment=environment)

    assert (settings.behaviour.dimension, settings.behaviour.start_delay_seconds) == (8, 2.5)
    assert (settings.behaviour.per_address, settings.behaviour.scripted) == (True, False)
    assert settings.behaviour.faults == (Fault.HANG, Fault.METRICS_NAN)
    assert settings.vector_space == "elsewhere"


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("FAKE_ENGINE_DIMENSIONS", "8"),
        ("FAKE_ENGINE_DIMENSION", "many"),
        ("FAKE_ENGINE_PER_ADDRESS", "perhaps"),
        ("FAKE_ENGINE_FAULTS", "fire"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        read_settings([], environment={variable: text})
