"""A load client for embedding servers that counts every failure and hides none: it never repeats a request.

It needs aiohttp only and imports nothing from outside its own folder, so that an image can hold it on its own.
"""
