"""Whose an object is, by its controlling owner reference."""

from collections.abc import Mapping
from typing import Any

Body = Mapping[str, Any]


def controller_of(body: Body) -> Mapping[str, Any] | None:
    """Return the owner reference of the controller of an object, or None."""
    references = body["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def is_owned_by(body: Body, *, uid: str) -> bool:
    """Return whether the object with `uid` controls an object."""
    controller = controller_of(body)
    return controller is not None and controller["uid"] == uid


def described_owner(body: Body) -> str:
    """Return who controls an object, in words."""
    controller = controller_of(body)
    if controller is None:
        return "nobody the operator knows"
    return f"{controller['kind']} {controller['name']}"
