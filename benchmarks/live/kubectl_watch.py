"""Reads a watch on the API server line by line, in its own thread."""

import subprocess
import threading
from types import TracebackType
from typing import Self


class KubectlWatch:
    """Watches `kubectl get QUERY` while its context is open; `take_in` gets each line of `output`.

    Readers of the processed state hold `changed`, which is notified of each change and of the end of the watch.
    """

    def __init__(self, *query: str, output: str) -> None:
        # Without chunks: a list of more than 500 that comes in chunks is printed as an object of its own.
        self._command = ("kubectl", "get", *query, "--watch", "--chunk-size=0", f"--output={output}")
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read, name="watch", daemon=True)
        self.changed = threading.Condition()
        self.has_ended = False

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def take_in(self, line: str) -> None:
        """Process one line, as soon as it arrives."""
        raise NotImplementedError

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            with self._process.stdout as lines:
                for line in lines:
                    self.take_in(line)
        finally:
            with self.changed:
                self.has_ended = True
                self.changed.notify_all()
