"""Telling HAProxy that the pod is terminating: clients with open connections are asked to open the next one elsewhere.

Merely closing a connection may lose a request that is just being sent. So HAProxy adds `Connection: close` to each
response while the map holds `ending`, for as long as the pod still accepts requests.
"""

from pathlib import Path

from embedding_operator.gateway.haproxy_socket import NOT_LOADED, Conversation, Refused
from embedding_operator.gateway.plan import Command

ENDING = "ending"


def write_state(path: Path) -> None:
    """Write the map of a pod that is not terminating, with which HAProxy starts."""
    path.write_text("")
    path.chmod(0o600)


async def announce_end(conversation: Conversation, *, path: Path) -> bool:
    """Make HAProxy ask clients to leave; return whether that was not yet so. Raises `Refused` if it cannot."""
    answer = await conversation.ask(f"show map {path}")
    if answer.startswith(NOT_LOADED):
        message = f"HAProxy has no map {path}: it cannot ask its clients to leave"
        raise Refused(message)
    if ENDING in answer.split():
        return False
    return await conversation.order(Command(text=f"add map {path} {ENDING} true"))
