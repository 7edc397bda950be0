"""`python3 -m sglang.launch_server …` runs the fake engine, which is next to this package in the image."""

import runpy

if __name__ == "__main__":
    runpy.run_module("fake", run_name="__main__", alter_sys=True)
