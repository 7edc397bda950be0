"""Configuration of the agent, read once from the environment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from embedding_operator.gateway_contract import AGENT_PORT
from embedding_operator.settings import SettingsError

PREFIX = "EMBEDDING_GATEWAY_"

Name = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseModel):
    """Where the agent finds its service, HAProxy, the API keys and the operator.

    `engines_selector` selects the EndpointSlices of the engines; `engines_port` is the name of their port.
    `max_connections` applies to engines whose slice sets no limit. Without `operator_host` no pokes are sent.
    `linger_seconds` is how long the agent keeps running after SIGTERM, as long as HAProxy does too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    namespace: Name
    service: Name
    engines_selector: Name
    engines_port: Name = "http"
    max_connections: Annotated[int, Field(ge=1, le=65535)] = 32
    socket: Path = Path("/run/gateway/admin.sock")
    keys_folder: Path = Path("/etc/gateway-keys")
    keys_map: Path = Path("/run/gateway/keys.map")
    state_map: Path = Path("/run/gateway/state.map")
    members_file: Path = Path("/run/gateway/members.json")
    port: Port = AGENT_PORT
    operator_host: str = ""
    operator_port: Port = 8082
    token_file: Path = Path("/var/run/secrets/embedding-operator.io/token")
    linger_seconds: Annotated[float, Field(ge=0, le=86400)] = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Return the settings in `environment`; raise a `SettingsError` that names each variable and the fix."""
        given = {
            variable.removeprefix(PREFIX).lower(): text
            for variable, text in environment.items()
            if variable.startswith(PREFIX) and text.strip()
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            message = "; ".join(_problem(each["loc"][0], each["type"], each["msg"], given) for each in error.errors())
            raise SettingsError(message) from error


def _problem(field: int | str, kind: str, message: str, given: Mapping[str, str]) -> str:
    variable = f"{PREFIX}{str(field).upper()}"
    if kind == "missing":
        return f"{variable} is not set: give it a value"
    if kind == "extra_forbidden":
        return f"{variable} is unknown: use one of {', '.join(PREFIX + name.upper() for name in Settings.model_fields)}"
    return f"{variable}={given[str(field)]!r}: {message[0].lower()}{message[1:]}"
