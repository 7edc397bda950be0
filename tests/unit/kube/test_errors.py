"""Every failure of the API server, including no response, as one of three errors."""

import json
from typing import Any

import aiohttp
import pytest
from embedding_operator.api.v1alpha1.conditions import Reason
from embedding_operator.kube.errors import Conflict, Gone, Request, Unavailable, error_of, translated
from kubernetes.aio.config import ConfigException

REQUEST = Request(verb="patch", resource="deployments.apps", namespace="search", name="qwen-a10")


def answer(status: int, message: str = "", *, headers: dict[str, str] | None = None, **fields: Any) -> Exception:
    body = json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": status, **fields}).encode()
    return error_of(REQUEST, status=status, headers=headers or {}, body=body)


def unavailable(error: Exception) -> Unavailable:
    assert isinstance(error, Unavailable)
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, Gone), (410, Gone), (409, Conflict), (401, Unavailable), (429, Unavailable), (500, Unavailable)],
)
def test_the_status_says_which_error(status: int, kind: type[Exception]) -> None:
    assert type(answer(status)) is kind


def test_a_namespace_that_is_on_its_way_out_is_gone() -> None:
    causes = {"causes": [{"reason": "NamespaceTerminating", "message": "namespace search is being terminated"}]}
    assert type(answer(403, "forbidden", details=causes)) is Gone


def test_a_write_to_an_object_that_was_replaced_is_a_conflict() -> None:
    causes = {"causes": [{"reason": "FieldValueInvalid", "field": "metadata.uid", "message": "field is immutable"}]}
    assert type(answer(422, "metadata.uid: Invalid value: field is immutable", details=causes)) is Conflict


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (403, 'User "x" cannot patch resource "deployments" in API group "apps"', Reason.FORBIDDEN),
        (403, 'deployments.apps "x" is forbidden: exceeded quota: q, requested: count=1', Reason.QUOTA_EXCEEDED),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest"', Reason.FORBIDDEN),
        (400, 'admission webhook "policy.example" denied the request: no', Reason.FORBIDDEN),
        (422, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", Reason.FORBIDDEN),
        (422, 'Deployment.apps "x" is invalid: spec.template.spec.containers[0].image: Required', Reason.INVALID_SPEC),
        (400, "cannot unmarshal string into Go struct field", Reason.INVALID_SPEC),
        (413, "Request entity too large", Reason.INVALID_SPEC),
        (401, "Unauthorized", None),
        (429, "too many requests", None),
        (500, 'Internal error occurred: failed calling webhook "policy.example"', None),
        (503, "the server is currently unable to handle the request", None),
        (504, "Timeout: request did not complete within the allotted timeout", None),
    ],
)
def test_the_reason_says_what_must_change(status: int, message: str, reason: Reason | None) -> None:
    error = unavailable(answer(status, message))
    assert (error.status, error.reason) == (status, reason)


def test_the_message_names_the_request_and_what_the_server_said() -> None:
    error = unavailable(answer(403, 'User "x" cannot patch resource "deployments"'))
    assert error.message == str(error)
    assert error.message == 'patch deployments.apps search/qwen-a10: User "x" cannot patch resource "deployments"'


@pytest.mark.parametrize(
    ("headers", "seconds"), [({}, None), ({"Retry-After": "7"}, 7.0), ({"Retry-After": "soon"}, None)]
)
def test_the_server_says_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert unavailable(answer(429, headers=headers)).retry_after == seconds


@pytest.mark.parametrize("body", [b"", b"upstream connect error", b"\xff", b"[1]", b'{"message": null}'])
def test_an_answer_of_something_in_between_is_understood(body: bytes) -> None:
    error = unavailable(error_of(REQUEST, status=502, headers={}, body=body))
    assert error.status == 502
    assert error.message.startswith("patch deployments.apps search/qwen-a10: ")


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (ConfigException("Token file exists but empty."), "Token file exists but empty."),
        (json.JSONDecodeError("Expecting value", "", 0), "Expecting value"),
        (OSError(), "OSError"),
    ],
)
def test_silence_is_unavailable(cause: Exception, said: str) -> None:
    with pytest.raises(Unavailable) as caught, translated(REQUEST):
        raise cause
    assert said in caught.value.message
    assert caught.value.message.startswith(str(REQUEST))
    assert (caught.value.status, caught.value.reason) == (None, None)


def test_other_errors_are_not_hidden() -> None:
    with pytest.raises(KeyError), translated(REQUEST):
        raise KeyError("a mistake of ours")
