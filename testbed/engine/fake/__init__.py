"""A stand-in for an SGLang embedding server: its endpoints, metrics, queue and habits without a model or a GPU.

What it copies was read off SGLang 0.5.23, and `tests/contract/engine` runs one suite against both. It needs aiohttp
only and imports nothing from outside its own folder, so that an image can hold it on its own.
"""
