"""Imports what an embedding server imports, so that Python compiles it once. Runs in the engine's Python."""

import importlib

MODULES = (
    "sglang.launch_server",
    "sglang.srt.entrypoints.http_server",
    "sglang.srt.managers.scheduler",
    "sglang.srt.managers.detokenizer_manager",
    "sglang.srt.models.registry",
    "sglang.srt.models.bert",
)

for module in MODULES:
    importlib.import_module(module)
