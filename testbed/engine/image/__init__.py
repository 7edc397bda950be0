"""Contents of the test image: the fake engine under SGLang's name, the load client, the OpenAI client.

In the image, the packages are next to each other: `python3 -m sglang.launch_server …`, `python3 -m load …`.
"""

from __future__ import annotations

from pathlib import Path

from testbed.cluster.images import PythonTools

_HERE = Path(__file__).resolve().parent
_TESTBED = _HERE.parents[1]

TOOLBOX = PythonTools(
    name="toolbox",
    requirements=tuple(
        line for line in (_HERE / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")
    ),
    source_folders=(_HERE / "sglang", _TESTBED / "engine" / "fake", _TESTBED / "load"),
)
