"""Sessions of `requests` for servers that are not trusted: bounded in time and size, and without anything of ours.

The time limits of `requests` hold for each read: a server that sends a byte now and then would keep a thread for ever.
So a timer shuts the connection down at the deadline, wherever it is: in the handshake, the header or the body.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response
    from requests.adapters import BaseAdapter

MAX_ANSWER_BYTES = 8 * 1024 * 1024


class TooLongError(Exception):
    """The answer is longer than `MAX_ANSWER_BYTES`."""


class Deadline:
    """A moment at which the connections that were opened until then are shut down."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()

    def is_over(self) -> bool:
        """Return whether the deadline has passed."""
        return time.monotonic() >= self._at

    def watch(self, connection: socket.socket) -> None:
        """Shut `connection` down at the deadline, also if TLS has taken it over by then."""
        with self._lock:
            self._connections.append(socket.socket(fileno=os.dup(connection.fileno())))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Watch the connections that are opened in the block."""
        timer = threading.Timer(max(0.0, self._at - time.monotonic()), self._shut_down)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with self._lock:
                for connection in self._connections:
                    connection.close()
                self._connections.clear()

    def _shut_down(self) -> None:
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def bounded_session(seconds: float) -> Any:
    """Return a session that ends `seconds` from now; its last answer is `answer`, read as a whole."""
    from requests import Session  # noqa: PLC0415 - only an operator with a Prometheus to query pays for it

    class BoundedSession(Session):
        """Follows no redirects, uses nothing from the environment, and bounds answers in size and time."""

        def __init__(self) -> None:
            super().__init__()
            self.trust_env = False
            self.headers["Accept-Encoding"] = "identity"
            self.deadline = Deadline(seconds)
            self.answer: Response | None = None
            self._watched = _adapter(self.deadline)

        def get_adapter(self, url: str | bytes) -> "BaseAdapter":  # noqa: ARG002 - the signature of requests
            """Return the watched adapter for every address: the client mounts one of its own."""
            return self._watched

        def is_over(self) -> bool:
            return self.deadline.is_over()

        def request(self, method: str | bytes, url: str | bytes, *_: Any, **options: Any) -> "Response":
            limits = {"allow_redirects": False, "stream": True, "timeout": seconds}
            with self.deadline.running():
                self.answer = _read(super().request(method, url, **{**options, **limits}), deadline=self.deadline)
            return self.answer

    return BoundedSession()


def _adapter(deadline: Deadline) -> "BaseAdapter":
    """Return an adapter whose connections `deadline` watches."""
    # Imported here, as `requests` is above.
    from requests.adapters import HTTPAdapter  # noqa: PLC0415
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool  # noqa: PLC0415
    from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: PLC0415

    class Watched(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            deadline.watch(opened)
            return opened

    class WatchedWithTls(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            opened = super()._new_conn()
            deadline.watch(opened)
            return opened

    class Pool(HTTPConnectionPool):
        ConnectionCls = Watched

    class PoolWithTls(HTTPSConnectionPool):
        ConnectionCls = WatchedWithTls

    adapter = HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": PoolWithTls}
    return adapter


def _read(response: "Response", *, deadline: Deadline) -> "Response":
    """Return `response` with its whole body; raise `TooLongError`, or `TimeoutError`, if it exceeds the limits."""
    body = bytearray()
    with response:
        while chunk := response.raw.read1(65_536, decode_content=False):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise TooLongError
            if deadline.is_over():
                raise TimeoutError
    if deadline.is_over():
        raise TimeoutError
    read = type(response)()
    read.status_code, read.headers, read.url = response.status_code, response.headers, response.url
    read.raw = BytesIO(bytes(body))
    return read
