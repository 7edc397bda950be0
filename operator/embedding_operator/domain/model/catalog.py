"""Facts about well-known embedding models: size, pooling, dimension, longest input.

Repositories that are not listed run as well; nothing is assumed about them except that they are decoders.

Sources: shapes and parameters from `config.json` and the safetensors index of each repository; those of
Qwen3-Embedding as in keras-hub pull request 2455 and text-embeddings-inference; pooling from `1_Pooling/config.json`
and the model cards; how SGLang 0.5.23 handles them from its model classes and its pooler.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from embedding_operator.api.v1alpha1.model import Architecture, ModelSpec

KIB = 1024


class Pooling(StrEnum):
    """Which vector represents the text."""

    LAST = "last"  # of the last token
    CLS = "cls"  # of the first token
    DECLARED = "declared"  # what `modules.json` of the repository says; SGLang reads it only for EmbeddingGemma


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """The facts of one model.

    `compute_parameters` excludes the embedding table, which is looked up, not multiplied. `kv_bytes_per_token` is for
    16-bit numbers: 2 x layers x key-value heads x head size x 2 bytes. `float16` is false if activations overflow.
    """

    repository: str
    architecture: Architecture
    pooling: Pooling
    parameters: int
    compute_parameters: int
    kv_bytes_per_token: int
    dimension: int
    max_context: int
    matryoshka: bool
    float16: bool = True


def known_model(model: ModelSpec) -> KnownModel | None:
    """Return what is known about the model of a service, or None: models on volumes and in images are unknown."""
    return None if model.hugging_face is None else _BY_NAME.get(model.hugging_face.repo.lower())


def pools_by_mean(model: ModelSpec) -> bool:
    """Return whether a model is known to use mean pooling, for which SGLang takes the vector of the first token."""
    return model.hugging_face is not None and model.hugging_face.repo.lower() in _MEAN_POOLED


Row = tuple[str, int, int, int, int, int]
"""Repository, parameters, parameters without the embedding table, KV bytes per token, dimension, longest input."""

_QWEN3: Sequence[Row] = (
    ("Qwen/Qwen3-Embedding-0.6B", 595_776_512, 440_467_456, 112 * KIB, 1024, 32768),
    ("Qwen/Qwen3-Embedding-4B", 4_021_774_336, 3_633_511_936, 144 * KIB, 2560, 32768),
    ("Qwen/Qwen3-Embedding-8B", 7_570_000_000, 6_950_000_000, 144 * KIB, 4096, 32768),
)

# Upstream partly attends in both directions, SGLang only backwards: vectors may differ from the published ones.
_GTE_QWEN2: Sequence[Row] = (
    ("Alibaba-NLP/gte-Qwen2-1.5B-instruct", 1_780_000_000, 1_310_000_000, 28 * KIB, 1536, 32768),
    ("Alibaba-NLP/gte-Qwen2-7B-instruct", 7_610_000_000, 6_530_000_000, 56 * KIB, 3584, 32768),
)

# The model card advises against more than 4096 tokens.
_MISTRAL: Sequence[Row] = (("intfloat/e5-mistral-7b-instruct", 7_110_000_000, 6_980_000_000, 128 * KIB, 4096, 4096),)

_BGE: Sequence[Row] = (
    ("BAAI/bge-small-en-v1.5", 33_360_000, 21_293_568, 18 * KIB, 384, 512),
    ("BAAI/bge-base-en-v1.5", 109_482_240, 85_054_464, 36 * KIB, 768, 512),
    ("BAAI/bge-large-en-v1.5", 335_141_888, 302_309_376, 96 * KIB, 1024, 512),
    ("BAAI/bge-small-zh-v1.5", 23_953_920, 12_609_536, 8 * KIB, 512, 512),
    ("BAAI/bge-base-zh-v1.5", 102_267_648, 85_054_464, 36 * KIB, 768, 512),
    ("BAAI/bge-large-zh-v1.5", 325_522_432, 302_309_376, 96 * KIB, 1024, 512),
    ("BAAI/bge-m3", 567_754_752, 302_309_376, 96 * KIB, 1024, 8192),
)

# The model card rules out float16: activations overflow.
_GEMMA: Sequence[Row] = (("google/embeddinggemma-300m", 307_600_000, 106_300_000, 24 * KIB, 768, 2048),)

_MEAN_POOLED = frozenset(
    repository.lower()
    for repository in (
        "intfloat/e5-small",
        "intfloat/e5-base",
        "intfloat/e5-large",
        "intfloat/e5-small-v2",
        "intfloat/e5-base-v2",
        "intfloat/e5-large-v2",
        "intfloat/multilingual-e5-small",
        "intfloat/multilingual-e5-base",
        "intfloat/multilingual-e5-large",
        "intfloat/multilingual-e5-large-instruct",
        "thenlper/gte-small",
        "thenlper/gte-base",
        "thenlper/gte-large",
        "sentence-transformers/all-MiniLM-L6-v2",
        "sentence-transformers/all-MiniLM-L12-v2",
        "sentence-transformers/all-mpnet-base-v2",
        "sentence-transformers/paraphrase-MiniLM-L6-v2",
        "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2",
        "sentence-transformers/paraphrase-multilingual-mpnet-base-v2",
    )
)


def _family(
    rows: Sequence[Row],
    *,
    architecture: Architecture,
    pooling: Pooling,
    matryoshka: bool = False,
    float16: bool = True,
) -> Iterator[KnownModel]:
    for repository, parameters, compute_parameters, kv_bytes_per_token, dimension, max_context in rows:
        yield KnownModel(
            repository=repository,
            architecture=architecture,
            pooling=pooling,
            parameters=parameters,
            compute_parameters=compute_parameters,
            kv_bytes_per_token=kv_bytes_per_token,
            dimension=dimension,
            max_context=max_context,
            matryoshka=matryoshka,
            float16=float16,
        )


KNOWN_MODELS: tuple[KnownModel, ...] = (
    *_family(_QWEN3, architecture=Architecture.DECODER, pooling=Pooling.LAST, matryoshka=True),
    *_family(_GTE_QWEN2, architecture=Architecture.DECODER, pooling=Pooling.LAST),
    *_family(_MISTRAL, architecture=Architecture.DECODER, pooling=Pooling.LAST),
    *_family(_BGE, architecture=Architecture.ENCODER, pooling=Pooling.CLS),
    *_family(_GEMMA, architecture=Architecture.ENCODER, pooling=Pooling.DECLARED, matryoshka=True, float16=False),
)

_BY_NAME = {model.repository.lower(): model for model in KNOWN_MODELS}
