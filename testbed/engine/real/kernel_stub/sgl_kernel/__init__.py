"""Stands in for SGLang's GPU kernels where there is no GPU: any name can be imported, none can be called."""

from collections.abc import Callable
from typing import Any, NoReturn


def __getattr__(name: str) -> Callable[..., NoReturn]:
    if name.startswith("__"):
        raise AttributeError(name)

    def unavailable(*_: Any, **__: Any) -> NoReturn:
        message = f"sgl_kernel.{name} needs a GPU"
        raise RuntimeError(message)

    return unavailable
