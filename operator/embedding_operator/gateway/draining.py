"""The end of a pod, as HAProxy is told of it: clients that keep a connection are asked to open the next one elsewhere.

A connection that is merely closed may take a request with it that was just being sent. So HAProxy says `Connection:
close` with each answer while the map holds `ending`, for as long as the pod still takes requests.
"""

from pathlib import Path

from embedding_operator.gateway.haproxy_socket import NOT_LOADED, Conversation, Refused
from embedding_operator.gateway.plan import Command

ENDING = "ending"


def write_state(path: Path) -> None:
    """Write the map of a pod that does not end, with which HAProxy starts."""
    path.write_text("")
    path.chmod(0o600)


async def announce_end(conversation: Conversation, *, path: Path) -> bool:
    """Let HAProxy ask clients to leave; return whether it did not do so yet. Raises `Refused` where it can not."""
    answer = await conversation.ask(f"show map {path}")
    if answer.startswith(NOT_LOADED):
        message = f"HAProxy has no map {path}: its clients are not asked to leave"
        raise Refused(message)
    if ENDING in answer.split():
        return False
    return await conversation.order(Command(text=f"add map {path} {ENDING} true"))
