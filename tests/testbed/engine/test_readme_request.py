"""The first request that README.md shows, sent as it stands there to a fake engine."""

import json
import re
import shlex
import sys
from asyncio import subprocess
from pathlib import Path

import aiohttp

from tests.testbed.engine.conftest import StartFake

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
ADDRESS = "localhost:8080"


async def test_the_python_of_the_readme_gets_vectors(start_fake: StartFake) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert ADDRESS in program

    port = await start_fake()
    running = await subprocess.create_subprocess_exec(
        sys.executable,
        "-c",
        program.replace(ADDRESS, f"127.0.0.1:{port}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await running.communicate()

    assert (running.returncode, err.decode()) == (0, "")
    assert re.fullmatch(r"2 vectors of \d+\n", out.decode())


async def test_the_curl_of_the_readme_is_answered_as_shown(start_fake: StartFake, http: aiohttp.ClientSession) -> None:
    (line,) = [line for line in README.splitlines() if line.startswith("curl ")]
    words = shlex.split(line)
    url = next(word for word in words if word.startswith("http"))
    content_type = words[words.index("-H") + 1].partition(": ")[2]
    shown = re.findall(r"^\{\"object\":\"list\".*$", README, flags=re.MULTILINE)

    async with http.post(
        url.replace(ADDRESS, f"127.0.0.1:{await start_fake()}"),
        data=words[words.index("-d") + 1],
        headers={"Content-Type": content_type},
    ) as answer:
        body = await answer.json()

    assert answer.status == 200
    # The ellipses of the README stand for further numbers and fields.
    document = json.loads(shown[0].replace(", …]", "]").replace(", …}", "}"))
    assert document.keys() <= body.keys()
    assert document["data"][0].keys() == body["data"][0].keys()
    assert document["usage"].keys() <= body["usage"].keys()
