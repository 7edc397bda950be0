"""A load client for embedding servers that counts every failure and, by default, never repeats a request.

It needs only aiohttp and imports nothing from outside its own folder, so that an image can contain it alone.
"""
