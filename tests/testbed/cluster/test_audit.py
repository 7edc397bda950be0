import json
from datetime import UTC, datetime

from testbed.cluster.audit import Right, rights, writes


def _event(verb: str, *, second: int = 0, username: str = "operator", **more: object) -> str:
    return json.dumps(
        {
            "verb": verb,
            "user": {"username": username},
            "userAgent": "agent",
            "objectRef": {"resource": "deployments", "namespace": "ns", "name": "a10"},
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": f"2026-01-01T00:00:{second:02}.123456Z",
            **more,
        }
    )


def test_reads_are_not_writes() -> None:
    lines = [_event(verb) for verb in ("get", "list", "watch", "create", "update", "patch", "delete")]
    assert [write.verb for write in writes(lines)] == ["create", "update", "patch", "delete"]


def test_writes_are_told_apart_by_user_and_moment() -> None:
    lines = [_event("patch", second=1), _event("patch", second=3), _event("patch", second=5, username="scheduler")]
    after = datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    [write] = writes(lines, username="operator", after=after)
    assert (write.at.second, write.resource, write.namespace, write.name, write.code) == (
        3,
        "deployments",
        "ns",
        "a10",
        200,
    )


def test_a_half_written_last_line_is_left_out() -> None:
    whole = _event("patch")
    assert len(list(writes([whole, whole[:40]]))) == 1


def test_a_request_without_an_object_is_left_out() -> None:
    event = json.loads(_event("create"))
    del event["objectRef"]
    assert list(writes([json.dumps(event)])) == []


def test_rights_are_what_requests_took_and_were_denied() -> None:
    deployments = {"resource": "deployments", "apiGroup": "apps"}
    lines = [
        _event("watch", objectRef=deployments),
        _event("patch", objectRef=deployments, responseStatus={"code": 201}),
        _event("patch", objectRef={"resource": "pods", "subresource": "status"}),
        _event("list", objectRef={"resource": "secrets"}, annotations={"authorization.k8s.io/decision": "forbid"}),
        _event("delete", username="someone-else"),
        _event("get")[:30],
    ]
    found = rights(lines, username="operator")
    assert found.used == {
        Right("apps", "deployments", "watch"),
        Right("apps", "deployments", "patch"),
        Right("apps", "deployments", "create"),
        Right("", "pods/status", "patch"),
    }
    assert found.denied == {Right("", "secrets", "list")}
