"""Parses command lines with the argument parser of the installed SGLang. Runs in the engine's Python.

Reads a JSON object of argument lists by name from standard input. Writes a JSON object: `options`, the spellings of
every option of the parser, `variables`, the environment variables of the engine that are texts, and `parsed`, by name
either the values that differ from the defaults or `error`.
"""

import argparse
import importlib
import json
import sys
from typing import Any


class _Refusing(argparse.ArgumentParser):
    """Raises the error that it would otherwise print before it ends the process."""

    def error(self, message: str) -> Any:
        raise ValueError(message)


def _parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> dict[str, Any]:
    try:
        values = vars(parser.parse_args(arguments))
    except (ValueError, TypeError) as error:
        return {"error": str(error)}
    return {name: value for name, value in values.items() if value != parser.get_default(name)}


def _texts() -> list[str]:
    """Return the engine's own variables that are not a number or a switch."""
    environ = importlib.import_module("sglang.srt.environ")
    plain = (environ.EnvBool, environ.EnvInt, environ.EnvFloat)
    fields = vars(environ.Envs).items()
    return [name for name, field in fields if isinstance(field, environ.EnvField) and not isinstance(field, plain)]


def main() -> None:
    parser = _Refusing()
    importlib.import_module("sglang.srt.server_args").ServerArgs.add_cli_args(parser)
    options = [action.option_strings for action in parser._actions]
    requests = json.load(sys.stdin)
    parsed = {name: _parsed(parser, arguments) for name, arguments in requests.items()}
    # The engine's packages print while they are imported: the result is the last line.
    print("\n" + json.dumps({"options": options, "variables": _texts(), "parsed": parsed}, default=str))  # noqa: T201


if __name__ == "__main__":
    main()
