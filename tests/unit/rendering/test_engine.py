"""The command line, option by option."""

from dataclasses import replace

import pytest
from embedding_operator.api.v1alpha1.model import Architecture, Dtype, Quantization
from embedding_operator.domain.model.engine_arguments import parse
from embedding_operator.domain.model.footprint import Fit
from embedding_operator.rendering.engine import EngineCommand

DECODER = EngineCommand(
    model_path="Qwen/Qwen3-Embedding-0.6B",
    revision="main",
    served_name="search",
    dtype=Dtype.BFLOAT16,
    architecture=Architecture.DECODER,
    context_length=8192,
)
ENCODER = replace(DECODER, architecture=Architecture.ENCODER)


def options(command: EngineCommand) -> dict[str, tuple[str, ...]]:
    parsed = parse(command.argv())
    assert len({argument.flag for argument in parsed}) == len(parsed), "an option stands twice"
    return {argument.flag: argument.values for argument in parsed}


@pytest.mark.parametrize("command", [DECODER, ENCODER])
def test_what_every_engine_gets(command: EngineCommand) -> None:
    given = options(command)
    assert given["--model-path"] == ("Qwen/Qwen3-Embedding-0.6B",)
    assert given["--revision"] == ("main",)
    assert given["--served-model-name"] == ("search",)
    assert given["--dtype"] == ("bfloat16",)
    assert given["--context-length"] == ("8192",)
    assert (given["--host"], given["--port"]) == (("0.0.0.0",), ("30000",))  # noqa: S104
    assert given["--max-queued-requests"] == ("1024",)
    for switch in ("--is-embedding", "--enable-metrics", "--sleep-on-idle"):
        assert given[switch] == ()
    for absent in ("--quantization", "--json-model-override-args", "--trust-remote-code", "--tp-size"):
        assert absent not in given


def test_what_the_model_asks_for() -> None:
    given = options(
        replace(
            DECODER,
            revision=None,
            quantization=Quantization.COMPRESSED_TENSORS,
            dimensions=(256, 1024),
            trust_remote_code=True,
            gpus=2,
            log_level="debug",
        )
    )
    assert "--revision" not in given
    assert given["--quantization"] == ("compressed-tensors",)
    assert given["--json-model-override-args"] == ('{"matryoshka_dimensions":[256,1024]}',)
    assert given["--trust-remote-code"] == ()
    assert given["--tp-size"] == ("2",)
    assert given["--log-level"] == ("debug",)


def test_an_encoder_sees_whole_texts_only() -> None:
    given = options(ENCODER)
    assert given["--disable-radix-cache"] == ()
    assert given["--chunked-prefill-size"] == ("-1",)
    # Without this option, the engine would compute a negative share from the previous one.
    assert given["--mem-fraction-static"] == ("0.6",)


def test_nothing_makes_an_encoder_cut_texts() -> None:
    args = (["--chunked-prefill-size", "2048", "--mem-fraction-static", "0.75"], ["--chunked-prefill-size=4096"])
    given = options(replace(ENCODER, args=args))
    assert given["--chunked-prefill-size"] == ("-1",)
    assert given["--mem-fraction-static"] == ("0.75",)


def test_a_decoder_gets_the_memory_that_it_needs() -> None:
    assert "--mem-fraction-static" not in options(DECODER)
    tight = options(replace(DECODER, fit=Fit.TIGHT))
    assert tight["--mem-fraction-static"] == ("0.88",)
    assert tight["--chunked-prefill-size"] == ("2048",)


def test_later_arguments_replace_earlier_ones_and_defaults() -> None:
    args = (
        ["--max-queued-requests", "1", "--attention-backend", "triton"],
        ["--max-queued-requests=2", "--sleep-on-idle"],
        ["--attention-backend", "flashinfer", "--bucket-time-to-first-token", "1", "2"],
    )
    given = options(replace(DECODER, args=args))
    assert given["--max-queued-requests"] == ("2",)
    assert given["--attention-backend"] == ("flashinfer",)
    assert given["--bucket-time-to-first-token"] == ("1", "2")


def test_managed_options_stay_the_operators() -> None:
    args = (["--host", "127.0.0.1", "--model=other", "stray"], ["--context", "1"])
    assert replace(DECODER, args=args).argv() == DECODER.argv()


def test_a_text_that_begins_with_a_dash_stays_a_value() -> None:
    given = options(replace(DECODER, served_name="--port=1", revision="-x"))
    assert given["--served-model-name"] == ("--port=1",)
    assert given["--revision"] == ("-x",)
    assert given["--port"] == ("30000",)
