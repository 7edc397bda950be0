"""A fake SGLang embedding server: the same endpoints, metrics, queue and behavior without a model or a GPU.

It copies the behavior of SGLang 0.5.23, and `tests/contract/engine` runs one suite against both. It needs only aiohttp
and imports nothing from outside its own folder, so that an image can contain it alone.
"""
