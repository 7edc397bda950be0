"""HAProxy's runtime socket: one conversation at a time, every answer read to its end and checked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from embedding_operator.gateway.haproxy_state import Server, read_servers
from embedding_operator.gateway.plan import Command
from embedding_operator.gateway_contract import BACKEND

ANSWER_BYTES = 4 * 1024 * 1024
_END = b"\n> "

NOT_LOADED = "Unknown map identifier"
"""Beginning of the answer about a map that is not in HAProxy's configuration."""


class Unreachable(Exception):  # noqa: N818 - named for what HAProxy is
    """HAProxy does not answer on its socket: it is not running, or too busy."""


class Refused(Exception):  # noqa: N818
    """HAProxy understood a command but did not execute it, or gave an unknown answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An open connection on which HAProxy waits for the next command."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, text: str) -> str:
        """Return the answer to one command, without the empty line at its end."""
        if not text.isprintable() or ";" in text:
            message = f"not one command: {text!r}"
            raise ValueError(message)
        self.writer.write(text.encode() + b"\n")
        answer = await self.reader.readuntil(_END)
        return answer.removesuffix(_END).decode().rstrip("\n")

    async def order(self, command: Command) -> bool:
        """Execute a command; return False if it cannot be executed yet. Raises `Refused` for any other answer."""
        answer = (await self.ask(command.text)).strip()
        if command.busy and answer.startswith(command.busy):
            return False
        if answer.startswith(command.answer) if command.answer else not answer:
            return True
        message = f"{command.text!r}: {answer or 'no answer'}"
        raise Refused(message)

    async def servers(self) -> tuple[Server, ...]:
        """Return the servers of the backend. Raises `UnreadableAnswer`."""
        state = await self.ask(f"show servers state {BACKEND}")
        return read_servers(state=state, statistics=await self.ask(f"show stat {BACKEND} 4 -1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSocket:
    """Where HAProxy accepts commands. A conversation must end within `timeout_seconds`."""

    path: Path
    timeout_seconds: float = 2.0

    @asynccontextmanager
    async def conversation(self) -> AsyncIterator[Conversation]:
        """Connect for a few commands; raises `Unreachable` if HAProxy does not answer or stops answering."""
        try:
            async with asyncio.timeout(self.timeout_seconds):
                reader, writer = await asyncio.open_unix_connection(self.path, limit=ANSWER_BYTES)
                try:
                    conversation = Conversation(reader=reader, writer=writer)
                    await conversation.ask("prompt")
                    yield conversation
                finally:
                    writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            message = f"HAProxy does not answer on {self.path}: {str(error) or type(error).__name__}"
            raise Unreachable(message) from error
