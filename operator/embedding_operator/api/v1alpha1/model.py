"""`spec.model`: which embedding model a service runs and how its vectors are computed."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from embedding_operator.api.v1alpha1.base import SET_LIST, ApiModel, ObjectName, matching, rule, rules
from embedding_operator.api.v1alpha1.kubernetes_types import SecretKeyRef


class Dtype(StrEnum):
    """The number format of weights and activations. All pools of one service use the same."""

    AUTO = "Auto"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class Architecture(StrEnum):
    """The family of a model: it determines which engine flags give correct vectors."""

    AUTO = "Auto"
    DECODER = "Decoder"
    ENCODER = "Encoder"


class Quantization(StrEnum):
    """Quantisation methods for which SGLang 0.5.23 has CUDA kernels."""

    AWQ = "awq"
    AWQ_MARLIN = "awq_marlin"
    GPTQ_MARLIN = "gptq_marlin"
    FP8 = "fp8"
    W8A8_INT8 = "w8a8_int8"
    W8A8_FP8 = "w8a8_fp8"
    BITSANDBYTES = "bitsandbytes"
    GGUF = "gguf"
    COMPRESSED_TENSORS = "compressed-tensors"


REPOSITORY = r"^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)?$"


class HuggingFaceSource(ApiModel):
    """A model repository on the Hugging Face hub or a mirror of it."""

    repo: Annotated[
        str,
        matching(REPOSITORY, message="not a model repository: write owner/name, without a host", max_length=200),
    ] = Field(description="Repository, such as Qwen/Qwen3-Embedding-0.6B.")
    revision: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        default="main", description="Branch, tag or commit. With a 40-digit commit, every start loads the same weights."
    )
    token_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Secret with the access token of a private or gated repository."
    )
    endpoint: (
        Annotated[str, matching("^https?://", message="not a URL: begin with https:// or http://", max_length=500)]
        | None
    ) = Field(default=None, description="Base URL of a mirror.")


class VolumeSource(ApiModel):
    """A model folder on a PersistentVolumeClaim, mounted read-only."""

    claim_name: ObjectName = Field(description="PersistentVolumeClaim in the namespace of the service.")
    path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            json_schema_extra=rules(
                rule("!self.startsWith('/')", "path is relative to the root of the volume: remove the leading '/'"),
                rule("!self.split('/').exists(part, part == '..')", "path leaves the volume: remove '..' from it"),
            ),
        ),
    ] = Field(default=".", description="Folder of the model, relative to the root of the volume.")


class ImageSource(ApiModel):
    """A model in an OCI image, mounted as an image volume (Kubernetes 1.35 or newer)."""

    reference: Annotated[str, Field(min_length=1, max_length=500)] = Field(
        description="Image, preferably with a digest. The model is at the root of its file system."
    )


class ModelSpec(ApiModel):
    """Exactly one source, and what the engine must know to compute correct vectors."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "[has(self.huggingFace), has(self.volume), has(self.image)].exists_one(given, given)",
                "spec.model needs exactly one source: set one of huggingFace, volume or image",
            ),
        )
    )

    hugging_face: HuggingFaceSource | None = None
    volume: VolumeSource | None = None
    image: ImageSource | None = None
    served_name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Name in /v1/models and in metrics. Default: the name of the object."
    )
    dtype: Dtype = Dtype.AUTO
    architecture: Architecture = Architecture.AUTO
    context_length: Annotated[int, Field(ge=16, le=131072)] = Field(
        default=8192, description="Longest input in tokens. Encoders usually take 512."
    )
    quantization: Quantization | None = None
    dimensions: Annotated[list[Annotated[int, Field(ge=1, le=65536)]], Field(max_length=16)] = Field(
        default_factory=list,
        description="Vector sizes that clients may request (Matryoshka models). Empty: only the native size.",
        json_schema_extra=SET_LIST,
    )
    trust_remote_code: bool = Field(default=False, description="Run Python code from the model repository.")
