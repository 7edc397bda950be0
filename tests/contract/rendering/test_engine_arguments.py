"""Every rendered command line against the argument parser of the real SGLang, and the options that admission knows."""

import itertools
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from embedding_operator.api.v1alpha1.model import Architecture, Dtype, Quantization
from embedding_operator.domain.model.engine_arguments import MANAGED, TUNED, parse
from embedding_operator.domain.model.engine_options import OF_SERVICES, REASONS
from embedding_operator.domain.model.engine_variables import variable_refusal
from embedding_operator.domain.model.footprint import Fit
from embedding_operator.rendering.engine import EngineCommand

from testbed.engine.real.environment import ENGINE_VARIABLES
from tests.golden import cases

pytestmark = pytest.mark.engine

HARMLESS_VARIABLES = {
    "SGLANG_AITER_KV_CACHE_LAYOUT",
    "SGLANG_AITER_MLA_DECODE_BACKEND",
    "SGLANG_AITER_MLA_VERIFY_BACKEND",
    "SGLANG_AMD_FLYDSL_MEGA_QUANT",
    "SGLANG_DEEPGEMM_STANDARD_LAYOUT",
    "SGLANG_DSA_TOPK_FLASHINFER_TIE_BREAK",
    "SGLANG_DSV41_ENGRAM_HOST_TABLE_LAYOUT",
    "SGLANG_DSV41_REASONING_EFFORT",
    "SGLANG_DSV4_COMPRESSED_KV_LAYOUT",
    "SGLANG_DSV4_COMPRESS_STATE_DTYPE",
    "SGLANG_DSV4_DENSE_MXSCALE_SHAPES",
    "SGLANG_DSV4_FLYDSL_DECODE_SOURCE",
    "SGLANG_DSV4_KV_LAYOUT",
    "SGLANG_DSV4_REASONING_EFFORT",
    "SGLANG_ENCODER_MM_RECEIVER_MODE",
    "SGLANG_EXA_SEARCH_TYPE",
    "SGLANG_FLASHINFER_MEGAMOE_COMBINE_DTYPE",
    "SGLANG_FORCE_FUSED_OP_BACKEND",
    "SGLANG_FP4_IGNORED_LAYERS",
    "SGLANG_FP8_IGNORED_LAYERS",
    "SGLANG_GFX1250_W4A8_BACKEND",
    "SGLANG_HACK_FLASHMLA_BACKEND",
    "SGLANG_HUGEPAGE_SIZE",
    "SGLANG_HUMMING_MOE_GEMM_TYPE",
    "SGLANG_INKLING_DEFAULT_REASONING_EFFORT",
    "SGLANG_JIT_LOG_LEVEL",
    "SGLANG_MAMBA_CONV_DTYPE",
    "SGLANG_MAMBA_SSM_DTYPE",
    "SGLANG_MORI_COMBINE_DTYPE",
    "SGLANG_MORI_DISPATCH_DTYPE",
    "SGLANG_OPT_BF16_FP32_GEMM_ALGO",
    "SGLANG_OPT_FLUX3_PRIMS_TS_TUNING_BUCKETS",
    "SGLANG_OPT_Q8KV8_QPREP_VARIANT",
    "SGLANG_PREFILL_TILE_BUDGET_MODE",
    "SGLANG_RAGGED_VERIFY_MODE",
    "SGLANG_RESIZE_RESAMPLE",
    "SGLANG_SM120_FLASHMLA_BACKEND",
    "SGLANG_SPEC_TP_SYNC",
    "SGLANG_UNIFIED_RADIX_TREE_CORE_BACKEND",
    "SGLANG_USE_SAGE_ATTENTION_IMPL",
    "USE_ROCM_AITER_ROPE_BACKEND",
}
"""They choose among kernels and formats that are part of the engine."""

PARSER = Path(__file__).parent / "engine_parser.py"
WRONG = {
    "does not exist": ["--disable-disk-cache"],
    "another engine's name": ["--max-num-seqs", "4"],
    "no such method": ["--quantization", "gptq_machete"],
    "not a number": ["--max-queued-requests", "many"],
    "positional": ["stray"],
}


def rendered() -> dict[str, list[str]]:
    """Return the arguments of every golden Deployment as the container gets them, by its name."""
    lines = {}
    for name in cases.NAMES:
        for deployment in cases.load(name).deployments():
            (container,) = deployment["spec"]["template"]["spec"]["containers"]
            key = f"{name}/{deployment['metadata']['name']}"
            lines[key] = [argument.replace("$$", "$") for argument in container["args"]]
    return lines


def formats() -> dict[str, list[str]]:
    """Return a command line for every number format and quantization that the API offers."""
    return {
        f"{dtype} {method}": list(
            EngineCommand(
                model_path="model",
                revision=None,
                served_name="name",
                dtype=dtype,
                architecture=Architecture.DECODER,
                context_length=16,
                quantization=method,
                fit=Fit.TIGHT,
            ).argv()
        )
        for dtype in set(Dtype) - {Dtype.AUTO}
        for method in (None, *Quantization)
    }


LINES = rendered()
SMALLEST = LINES["smallest/qwen3-embedding-a10"]


@dataclass(frozen=True, slots=True)
class Answer:
    """The options of the engine's parser, its variables that are texts, and its result for every command line."""

    options: list[list[str]]
    variables: list[str]
    parsed: dict[str, dict[str, Any]]

    @property
    def spellings(self) -> set[str]:
        """Return every option string."""
        return {spelling for option in self.options for spelling in option}


@pytest.fixture(scope="module")
def answer(engine_python: Path) -> Answer:
    wrong = {name: [*arguments, *SMALLEST] for name, arguments in WRONG.items()}
    abbreviated = {"abbreviated": [*SMALLEST, "--tp", "7"]}
    finished = subprocess.run(
        [engine_python, PARSER],
        input=json.dumps({**LINES, **formats(), **wrong, **abbreviated}),
        env={**os.environ, **ENGINE_VARIABLES},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return Answer(**json.loads(finished.stdout.splitlines()[-1]))


@pytest.mark.parametrize("name", LINES)
def test_the_engine_understands_what_is_rendered(name: str, answer: Answer) -> None:
    case = cases.load(name.partition("/")[0])
    values = answer.parsed[name]
    assert "error" not in values, values["error"]
    assert values["is_embedding"] is True
    assert values["enable_metrics"] is True
    assert values["sleep_on_idle"] is True
    assert values["host"] == "0.0.0.0"  # noqa: S104
    assert values["served_model_name"] == (case.spec.model.served_name or case.service.name)
    if case.spec.model.hugging_face is not None:
        assert values["model_path"] == case.spec.model.hugging_face.repo
        assert values["revision"] == case.spec.model.hugging_face.revision


@pytest.mark.parametrize("name", LINES)
def test_every_option_is_written_out(name: str, answer: Answer) -> None:
    assert {argument.flag for argument in parse(LINES[name])} <= answer.spellings


@pytest.mark.parametrize("name", formats())
def test_the_engine_knows_every_format_of_the_api(name: str, answer: Answer) -> None:
    assert "error" not in answer.parsed[name]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_found(name: str, answer: Answer) -> None:
    assert answer.parsed[name].keys() == {"error"}


def test_an_abbreviation_is_found_though_the_engine_takes_it(answer: Answer) -> None:
    assert answer.parsed["abbreviated"]["tp_size"] == 7
    assert "--tp" not in answer.spellings


def test_encoders_get_whole_texts(answer: Answer) -> None:
    for name in ("encoder/bge-m3-l4", "encoder/bge-m3-t4", "cpu-engine/minilm-cpu"):
        values = answer.parsed[name]
        assert values["disable_radix_cache"] is True
        assert values["chunked_prefill_size"] == -1
        assert 0 < values["mem_fraction_static"] < 1


def test_every_option_that_admission_speaks_of_exists(answer: Answer) -> None:
    assert {*MANAGED, *TUNED} <= answer.spellings


def test_no_managed_option_has_another_spelling(answer: Answer) -> None:
    managed = [option for option in answer.options if any(spelling in MANAGED for spelling in option)]
    others = {spelling for option in managed for spelling in option if spelling.startswith("--")}
    assert others == set(MANAGED)


def test_no_other_option_is_taken_for_an_abbreviation(answer: Answer) -> None:
    known = {*MANAGED, *TUNED}
    others = {spelling for spelling in answer.spellings - known if spelling.startswith("--")}
    assert not [(other, name) for other in others for name in known if name.startswith(other)]


def test_every_option_of_the_engine_is_classified_once(answer: Answer) -> None:
    tables = {"managed": set(MANAGED), "of services": set(OF_SERVICES), "of pools": set(REASONS)}
    real = {spelling for spelling in answer.spellings if spelling.startswith("--")}
    for one, other in itertools.combinations(tables, 2):
        assert not tables[one] & tables[other], f"both {one} and {other}"
    classified = set().union(*tables.values())
    assert not real - classified, "new options: say in engine_options who may set them"
    assert not classified - real, "the engine has no such options any more"


def test_no_spelling_of_an_option_is_more_permitted_than_another(answer: Answer) -> None:
    for option in answer.options:
        spellings = [spelling for spelling in option if spelling.startswith("--")]
        assert len({spelling in MANAGED for spelling in spellings}) <= 1
        assert len({spelling in OF_SERVICES for spelling in spellings}) <= 1


def test_every_variable_that_is_a_text_is_refused_from_services_or_harmless(answer: Answer) -> None:
    permitted = {name for name in answer.variables if variable_refusal(name) is None}
    assert permitted == HARMLESS_VARIABLES
