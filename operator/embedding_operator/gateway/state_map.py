"""What the agent tells HAProxy about the pod, as entries of a map that HAProxy looks up.

`synchronized` makes the pod ready: HAProxy knows the engines. It stays while the agent is restarted or does not answer,
so a pod that serves is not taken out because of its agent; a HAProxy that starts again begins without it.

`ending` says that the pod is terminating: clients with open connections are asked to open the next one elsewhere.
Merely closing a connection may lose a request that is just being sent. So HAProxy adds `Connection: close` to each
response while the map holds this entry, for as long as the pod still accepts requests.
"""

from pathlib import Path

from embedding_operator.gateway.haproxy_socket import NOT_LOADED, Conversation, Refused
from embedding_operator.gateway.plan import Command

SYNCHRONIZED = "synchronized"
ENDING = "ending"


def write_state(path: Path) -> None:
    """Write the map of a pod that is neither ready nor terminating, with which HAProxy starts."""
    path.write_text("")
    path.chmod(0o600)


async def mark(conversation: Conversation, *, path: Path, entries: frozenset[str]) -> bool:
    """Make the map hold exactly `entries`; return whether it did not yet. Raises `Refused` if HAProxy has no map."""
    answer = await conversation.ask(f"show map {path}")
    if answer.startswith(NOT_LOADED):
        message = f"HAProxy has no map {path}: it cannot tell whether the pod is ready or terminating"
        raise Refused(message)
    # Each line holds the address of an entry, its key and its value.
    present = frozenset(line.split()[1] for line in answer.splitlines() if line.strip())
    for entry in sorted(present - entries):
        await conversation.order(Command(text=f"del map {path} {entry}"))
    for entry in sorted(entries - present):
        await conversation.order(Command(text=f"add map {path} {entry} true"))
    return present != entries
