"""The gateway's own error responses, in the format of OpenAI's API."""

import json
from dataclasses import dataclass

RETRY_AFTER_SECONDS = 5
_REFUSED = "invalid_request_error"
_FAILED = "server_error"


@dataclass(frozen=True, slots=True)
class GatewayError:
    """A response with an error document; `code` identifies the error for programs."""

    status: int
    code: str
    message: str
    kind: str = _REFUSED

    @property
    def is_worth_a_retry(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status in {429, 503}

    def document(self) -> str:
        """Return the body of the response."""
        error = {"message": self.message, "type": self.kind, "param": None, "code": self.code}
        return json.dumps({"error": error})


BY_STATUS = {
    error.status: error
    for error in (
        GatewayError(400, "bad_request", "The request is not valid HTTP."),
        GatewayError(401, "invalid_api_key", "A valid API key is required: send it as Authorization: Bearer KEY."),
        GatewayError(403, "forbidden", "The request is not allowed here."),
        GatewayError(404, "unknown_url", "Only POST /v1/embeddings, GET /v1/models and GET /health are served here."),
        GatewayError(405, "method_not_allowed", "The method is not allowed here: see the Allow header."),
        GatewayError(408, "request_timeout", "The request took too long to arrive."),
        GatewayError(413, "request_too_large", "The body is too large: send fewer texts in one request."),
        GatewayError(429, "rate_limited", "Too many requests: try again later.", "rate_limit_error"),
        GatewayError(500, "internal_error", "The gateway failed.", _FAILED),
        GatewayError(501, "not_implemented", "The request needs something that is not available here.", _FAILED),
        GatewayError(502, "engine_failed", "The engine failed while processing this request.", _FAILED),
        GatewayError(503, "overloaded", "No engine was free in time: try again later.", _FAILED),
        GatewayError(504, "engine_timeout", "The engine did not answer in time.", _FAILED),
    )
}
"""The responses that HAProxy itself generates, except those of its parser.

The HAProxy of Debian 12 and 13 answers what its parser cannot read as HTTP, and headers that do not arrive in time,
with HTML that no setting changes.
"""

HEADERS_TOO_LARGE = GatewayError(431, "headers_too_large", "The headers are too large.")
WRONG_TYPE = GatewayError(415, "unsupported_media_type", "The body must be JSON: send Content-Type: application/json.")
UNEXPECTED_BODY = GatewayError(400, "unexpected_body", "This request must not have a body.")
NOT_INSPECTED = GatewayError(500, "not_inspected", "The input could not be read in time: send fewer texts.", _FAILED)
REFUSED_INPUT = GatewayError(400, "invalid_input", "%[var(txn.refusal)]")
"""The message is HAProxy's expression for the inspection's result, which never has a double quote or a backslash."""
