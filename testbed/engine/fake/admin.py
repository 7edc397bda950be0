"""How tests control an engine: `/fault` sets what goes wrong, `/script` what is reported.

Both take `{"addresses": {ADDRESS: …}}`; `*` stands for every address that is not named, and for the whole engine if it
does not distinguish addresses. `/fault` takes a list of fault names per address and replaces the previous ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .faults import Fault
from .fleet import Fleet
from .script import ScriptError, read_script
from .settings import SHARED_ADDRESS


class Admin:
    """The endpoints that the real engine does not have."""

    PATHS = ("/fault", "/script")

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the endpoints."""
        return [
            web.get("/fault", self.show_faults),
            web.post("/fault", self.set_faults),
            web.post("/script", self.set_scripts),
        ]

    async def show_faults(self, _: web.Request) -> web.StreamResponse:
        """`GET /fault`: the faults that are set, by address."""
        return web.json_response({"addresses": self._fleet.faults()})

    async def set_faults(self, request: web.Request) -> web.StreamResponse:
        """`POST /fault`."""
        wanted = {address: _faults(names) for address, names in self._by_address(await _body(request), of=list).items()}
        for address, faults in wanted.items():
            self._fleet.set_faults(address, faults)
        return await self.show_faults(request)

    async def set_scripts(self, request: web.Request) -> web.StreamResponse:
        """`POST /script`."""
        if not self._fleet.settings.behaviour.scripted:
            raise _refuse("the engine reports its own metrics; to set them, start it with --scripted")
        try:
            scripts = {
                address: read_script(figures)
                for address, figures in self._by_address(await _body(request), of=dict).items()
            }
        except ScriptError as error:
            raise _refuse(str(error)) from error
        for address, script in scripts.items():
            self._fleet.play(address, script)
        return web.json_response({"addresses": sorted(scripts)})

    def _by_address(self, document: object, *, of: type) -> Mapping[str, Any]:
        addresses = document.get("addresses") if isinstance(document, dict) else None
        if not isinstance(addresses, dict) or not all(isinstance(value, of) for value in addresses.values()):
            message = f'the body must be {{"addresses": {{ADDRESS: {of.__name__}}}}}'
            raise _refuse(message)
        if not self._fleet.settings.behaviour.per_address and set(addresses) - {SHARED_ADDRESS}:
            message = (
                f"the engine does not distinguish addresses: use {SHARED_ADDRESS!r} or start it with --per-address"
            )
            raise _refuse(message)
        return addresses


def _faults(names: list[object]) -> frozenset[Fault]:
    try:
        return frozenset(Fault(name) for name in names)
    except ValueError as error:
        known = ", ".join(fault.value for fault in Fault)
        message = f"{error}; known faults: {known}"
        raise _refuse(message) from error


async def _body(request: web.Request) -> object:
    try:
        return json.loads(await request.read())
    except ValueError as error:
        message = f"the body is not JSON: {error}"
        raise _refuse(message) from error


def _refuse(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(reason=message.replace("\n", " "))
