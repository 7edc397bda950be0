"""A small HTTP server instead of an API server, with predefined responses."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from testbed.engine.process import LOOPBACK, free_port

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "http://127.0.0.1:PORT", certificate-authority: ca.crt}}]
users: [{name: test, user: {tokenFile: token}}]
"""

# Every cluster has one; without it, each client would load all certificates that the machine trusts.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBdDCCARugAwIBAgIUES9eXhT8RsoJyCqPfKYZpD3eXtIwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjEwODI4MjVaGA8yMTI2MTAyODA4Mjgy
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAIU
VaCNwlcZbLir6l2GPzBPw6dgrqAOK+KdZ5IIgOHOZMVWfX8Ti5Tvyb071Yqw+lqR
/18qX1AWI8pKm2BqVD2jUzBRMB0GA1UdDgQWBBTwMZD0YjuS1vc2lp5bQn6rIavx
sTAfBgNVHSMEGDAWgBTwMZD0YjuS1vc2lp5bQn6rIavxsTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0cAMEQCIEM2/1/cmuzIaUGMI90Oin20ztcOTwYz5csQ
lFVbjt2NAiBw5u0GztU96lb5pxFQk4UoM5GAAGzIxXwuIwTj82MRlA==
-----END CERTIFICATE-----
"""

Answer = tuple[int, Any]
"""An HTTP status and a body; the status 0 stands for a response that never comes."""


def _unexpected(request: web.Request, body: Any) -> Answer:
    return 500, {"message": f"no answer is prepared for {request.method} {request.path}"}


@dataclass
class HttpServer:
    """Answers requests in order from `answers`, then with `otherwise`, and records the requests."""

    kubeconfig: Path
    answers: list[Answer] = field(default_factory=list)
    otherwise: Callable[[web.Request, Any], Answer] = _unexpected
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        text = await request.text()
        asked = json.loads(text) if text else None
        self.bodies.append(asked)
        status, body = self.answers.pop(0) if self.answers else self.otherwise(request, asked)
        if status == 0:
            await asyncio.sleep(5)
        content = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=content, content_type="application/json", headers=self.headers)

    @property
    def lines(self) -> list[str]:
        return [f"{request.method} {request.path_qs}" for request in self.requests]


@asynccontextmanager
async def http_server(folder: Path) -> AsyncIterator[HttpServer]:
    """Serve on loopback; `folder` gets the kubeconfig, its token and its authority."""
    port = free_port()
    (folder / "config").write_text(KUBECONFIG.replace("PORT", str(port)))
    (folder / "token").write_text("first")
    (folder / "ca.crt").write_text(AUTHORITY)
    served = HttpServer(folder / "config")
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", served.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    try:
        yield served
    finally:
        await runner.cleanup()
